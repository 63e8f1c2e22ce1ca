//! Commands with a bundle of CLIP, StyleGAN2 and clip2latent, as small random networks.

use std::fs;
use std::path::Path;

use anyface::bundle::Bundle;
use anyface::clip::{Family, SimpleTokenizer, TextTowerConfig, VisionTransformerConfig};
use anyface::prior::PriorConfig;
use anyface::stylegan2::GeneratorConfig;
use assert_cmd::Command;
use burn::module::Module;
use burn::tensor::Device;
use predicates::prelude::*;
use serde::Serialize;
use serde_json::json;

fn put<M: Module>(folder: &Path, name: &str, config: &impl Serialize, network: M) {
    Bundle::put(folder, name, config, &network).expect("written");
}

/// Writes towers, a generator and clip2latent's prior. `config.json` names no mapper.
fn write_bundle(folder: &Path) {
    let device = Device::flex();
    device.seed(1);
    let text = TextTowerConfig::new(SimpleTokenizer::VOCAB_SIZE, 77, 8, 1, 1, 4);
    put(folder, "text_tower", &text, text.init(&device));
    let image = VisionTransformerConfig::new(24, 8, 8, 1, 1, 4);
    put(folder, "image_tower", &image, image.init(&device));
    let generator = GeneratorConfig::new(4, 4, vec![4; 4]);
    put(folder, "generator", &generator, generator.init(&device));
    let prior = PriorConfig::new(4, 1, 1).with_num_timesteps(8);
    put(folder, "clip2latent", &prior, prior.init(&device));
    Bundle::put_section(folder, "clip", &Family::Openai).expect("written");
    let few = json!({ "steps": 5 });
    Bundle::put_section(folder, "optimization", &few).expect("written");
}

fn anyface(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("anyface").expect("the binary is built with its tests");
    command
        .env("ANYFACE_DETECTOR", "")
        // Signs with a key of the tests, not the user's.
        .env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("ANYFACE_RECOGNIZER", "")
        .current_dir(folder)
        .args(args)
        .args(["--model", "bundle"]);
    command
}

/// Runs a command that writes `output`; returns its pixels.
fn draw(folder: &Path, args: &[&str], output: &str) -> image::RgbImage {
    let args = [args, &["-o", output, "--force"]].concat();
    anyface(folder, &args).assert().success();
    image::open(folder.join(output))
        .expect("a picture")
        .into_rgb8()
}

fn refused(folder: &Path, args: &[&str], says: &str) {
    let error = predicate::str::contains(says).and(predicate::str::contains("\n").count(1));
    anyface(folder, args).assert().code(1).stderr(error);
}

#[test]
fn faces_are_generated_and_edited_by_every_method() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    fs::create_dir(folder.join("bundle")).expect("a folder");
    write_bundle(&folder.join("bundle"));

    let face = draw(folder, &["generate", "a sailor", "--seed", "3"], "face.png");
    assert_eq!(face.dimensions(), (32, 32));
    let best = ["generate", "a sailor", "--best-of", "3", "--json"];
    let line = anyface(folder, &[&best[..], &["-o", "best.png"]].concat()).output();
    let line: serde_json::Value =
        serde_json::from_slice(&line.expect("it ran").stdout).expect("one JSON object");
    let seed = line["seed"].to_string();
    let again = draw(
        folder,
        &["generate", "a sailor", "--seed", &seed],
        "again.png",
    );
    let best = image::open(folder.join("best.png")).expect("a picture");
    assert_eq!(best.into_rgb8(), again);

    let edit = |more: &[&str]| draw(folder, &[&["edit", "seed:1"], more].concat(), "edited.png");
    let same = edit(&["an old man", "--strength", "0"]);
    assert_ne!(edit(&["an old man"]), same);
    assert_ne!(edit(&["an old man", "--method", "optimize"]), same);
    assert_ne!(edit(&["an old man", "--crossover", "2"]), same);

    let directions = ["an old man", "--method", "directions"];
    let by_directions = [&["edit", "seed:1"], &directions[..]].concat();
    refused(
        folder,
        &by_directions,
        "`anyface prepare directions` computes them",
    );
    anyface(folder, &["prepare", "directions", "--pictures", "1"])
        .assert()
        .success()
        .stdout(predicate::str::contains("28 styles"));
    assert_ne!(edit(&directions), same);
    assert_eq!(
        edit(&[&directions[..], &["--strength", "0"]].concat()),
        same
    );
    let kept = [&by_directions[..], &["--keep", "hair"]].concat();
    refused(
        folder,
        &kept,
        "takes --threshold instead of --keep and --layers",
    );

    anyface(folder, &["invert", "face.png", "--refine", "0"])
        .args(["-o", "face.safetensors"])
        .assert()
        .success();
    draw(
        folder,
        &["edit", "face.safetensors", "an old man"],
        "old.png",
    );
}

#[test]
fn a_direction_in_a_file_moves_a_face() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    fs::create_dir(folder.join("bundle")).expect("a folder");
    write_bundle(&folder.join("bundle"));
    // A boundary of InterFaceGAN: `[1, D]` in f32.
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4), }";
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let header = format!("{header:<117}\n");
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.bytes());
    file.extend(
        [0.5_f32, -0.5, 0.5, 0.5]
            .iter()
            .flat_map(|x| x.to_le_bytes()),
    );
    fs::write(folder.join("age.npy"), file).expect("written");

    let moved = |strength: &str| {
        let args = ["edit", "seed:1", "--direction", "age.npy", "--strength"];
        draw(folder, &[&args[..], &[strength]].concat(), "moved.png")
    };
    assert_ne!(moved("3"), moved("0"));
    assert_ne!(moved("3"), moved("-3"));
    anyface(folder, &["edit", "seed:1", "old", "--direction", "age.npy"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("cannot be used with"));
}
