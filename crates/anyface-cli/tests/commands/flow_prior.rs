//! Commands with a bundle that has a flow prior, of small random networks.

use std::fs;
use std::path::Path;

use anyface::bundle::{Bundle, MapperKind, Truncation, ZDistribution};
use anyface::clip::{Family, SimpleTokenizer, TextTowerConfig, VisionTransformerConfig};
use anyface::inversion::ResidualEncoderConfig;
use anyface::mapper::FlowPriorConfig;
use anyface::stylegan2::GeneratorConfig;
use assert_cmd::Command;
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

fn put<M: Module>(folder: &Path, name: &str, config: &impl Serialize, network: M) {
    Bundle::put(folder, name, config, &network).expect("written");
}

fn section(folder: &Path, name: &str, value: &impl Serialize) {
    Bundle::put_section(folder, name, value).expect("written");
}

fn write_bundle(folder: &Path) {
    let device = Device::flex();
    device.seed(1);
    let text = TextTowerConfig::new(SimpleTokenizer::VOCAB_SIZE, 77, 8, 1, 1, 6);
    put(folder, "text_tower", &text, text.init(&device));
    let image = VisionTransformerConfig::new(24, 8, 8, 1, 1, 6);
    put(folder, "image_tower", &image, image.init(&device));
    let generator = GeneratorConfig::new(4, 4, vec![4; 4]);
    put(folder, "generator", &generator, generator.init(&device));
    let prior = FlowPriorConfig::new(6, 4).with_width(16).with_heads(4);
    put(folder, "flow_prior", &prior, prior.init(&device));
    let encoder = ResidualEncoderConfig::new(4).with_channels(vec![4, 4, 4]);
    put(folder, "residual_encoder", &encoder, encoder.init(&device));
    let truncation = Truncation {
        psi: 1.0,
        cutoff: 8,
    };
    section(folder, "truncation", &truncation);
    section(folder, "mapper", &MapperKind::FlowPrior);
    section(folder, "clip", &Family::Openai);
    section(folder, "z_distribution", &ZDistribution::Normal);
    section(folder, "domain", &"photographs");
}

/// Runs a command with the bundle in `folder`.
fn run(folder: &Path, args: &[&str]) {
    Command::cargo_bin("anyface")
        .expect("the binary is built with its tests")
        .env("ANYFACE_DETECTOR", "")
        // Signs with a key of the tests, not the user's.
        .env("XDG_DATA_HOME", env!("CARGO_TARGET_TMPDIR"))
        .current_dir(folder)
        .args(args)
        .args(["--model", "bundle"])
        .assert()
        .success();
}

/// The pixels of a file.
fn picture(path: &Path) -> image::RgbImage {
    image::open(path).expect("a picture").into_rgb8()
}

#[test]
fn a_flow_prior_generates_and_edits_faces() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    fs::create_dir(folder.join("bundle")).expect("a folder");
    write_bundle(&folder.join("bundle"));

    let generate = ["generate", "a sailor", "--seed"];
    run(
        folder,
        &[&generate[..], &["4", "-n", "3", "-o", "faces"]].concat(),
    );
    run(
        folder,
        &[&generate[..], &["5", "-o", "sailor.png"]].concat(),
    );
    let sailor = picture(&folder.join("sailor.png"));
    assert_eq!(sailor.dimensions(), (32, 32));
    assert_eq!(sailor, picture(&folder.join("faces/0001.png")));
    assert_ne!(sailor, picture(&folder.join("faces/0002.png")));

    let edit = |words: &str, output: &str| {
        run(
            folder,
            &["edit", "sailor.png", words, "--as-character", "-o", output],
        );
        picture(&folder.join(output))
    };
    let neutral = edit("a face", "neutral.png");
    assert_ne!(edit("an old man", "old.png"), neutral);
    run(
        folder,
        &["invert", "sailor.png", "-o", "inverted.safetensors"],
    );
    run(
        folder,
        &["edit", "inverted.safetensors", "a face", "-o", "again.png"],
    );
    assert_eq!(picture(&folder.join("again.png")), neutral);
}
