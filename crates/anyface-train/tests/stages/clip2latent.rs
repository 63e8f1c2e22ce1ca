//! Tests `train clip2latent`: from towers and a generator to a bundle that generates faces from
//! text.

use std::fs;
use std::path::{Path, PathBuf};

use anyface::bundle::{Bundle, MapperKind};
use anyface::clip::{TextTowerConfig, VisionTransformerConfig};
use anyface::stylegan2::GeneratorConfig;
use anyface::{Engine, Generate};
use anyface_train::stage::clip2latent;
use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;

/// Width of features and latents.
const WIDTH: usize = 8;

fn put<M: Module>(folder: &Path, name: &str, config: &impl Serialize, network: &M) {
    Bundle::put(folder, name, config, network).expect("written");
}

/// A bundle with small random networks, latents of width `w_dim`, and the tokenizer of the
/// portraits.
fn write_bundle(folder: &Path, w_dim: usize) {
    let device = Device::flex();
    device.seed(1);
    fs::create_dir(folder).expect("a folder");
    let portraits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/portraits");
    fs::copy(
        portraits.join("tokenizer.json"),
        folder.join("tokenizer.json"),
    )
    .expect("copied");
    let text = TextTowerConfig::new(8000, 24, 8, 1, 1, WIDTH);
    put(folder, "text_tower", &text, &text.init(&device));
    let image = VisionTransformerConfig::new(24, 8, 8, 1, 1, WIDTH);
    put(folder, "image_tower", &image, &image.init(&device));
    let generator = GeneratorConfig::new(5, w_dim, vec![4; 4]);
    put(folder, "generator", &generator, &generator.init(&device));
}

/// Writes the configuration of a run with output folder `out`.
fn write_config(folder: &Path, out: &str) -> PathBuf {
    let path = folder.join(format!("{out}.toml"));
    let folder = folder.display();
    let text = format!(
        "bundle = '{folder}/bundle'\n\
         [run]\nout = '{folder}/{out}'\nseed = 1\nsteps = 6\nlearning_rate = 1e-3\n\
         checkpoint_every = 2\nsample_every = 6\n\
         [data]\ndrawn = 20\nheld_out = 5\n\
         [learning]\nbatch = 8\nnoise = 1.0\nsilent = 0.2\n\
         [model]\ndepth = 1\nheads = 1\n\
         [sampling]\nsteps = 16\n"
    );
    fs::write(&path, text).expect("written");
    path
}

#[test]
fn a_prior_trained_without_captions_generates_faces() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    write_bundle(&folder.join("bundle"), WIDTH);
    let config = write_config(folder, "run");
    clip2latent::run(&config, &Device::flex(), false).expect("a run");
    let sheet = image::open(folder.join("run/samples/00000006.png")).expect("a sample");
    // Five held-out faces, and three rows of faces from their features.
    let side = |faces: u32| faces * 32 + (faces + 1) * 4;
    assert_eq!((sheet.width(), sheet.height()), (side(5), side(4)));
    let log = fs::read_to_string(folder.join("run/log.jsonl")).expect("a log");
    assert!(log.contains("held_out/loss"), "{log}");

    let engine = Engine::open(&folder.join("bundle")).expect("a bundle");
    let bundle = engine.config();
    assert_eq!(bundle.mapper, MapperKind::Clip2latent);
    assert_eq!(bundle.clip2latent_sampling.steps, 16);
    assert!(bundle.clip2latent_sampling.feature_length > Some(0.0));
    let options = Generate {
        count: 2,
        ..Generate::default()
    };
    let faces = engine.generate(&["a woman"], &options).expect("faces");
    assert_ne!(faces[0].image, faces[1].image);
}

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
    let directory = tempfile::tempdir().expect("a folder");
    let folder = directory.path();
    write_bundle(&folder.join("bundle"), WIDTH);
    let config = write_config(folder, "whole");
    clip2latent::run(&config, &Device::flex(), false).expect("a run");
    let model = |run: &str| {
        let file = format!("{run}/checkpoints/00000006/model.bpk");
        fs::read(folder.join(file)).expect("a checkpoint")
    };
    let whole = model("whole");
    fs::remove_dir_all(folder.join("whole/checkpoints/00000006")).expect("removed");
    clip2latent::run(&config, &Device::flex(), true).expect("a run");
    assert!(model("whole") == whole, "the weights differ");
}

#[test]
fn numbers_out_of_range_give_one_line_errors() {
    let directory = tempfile::tempdir().expect("a folder");
    let config = write_config(directory.path(), "run");
    let text = fs::read_to_string(&config).expect("written");
    for (right, wrong, says) in [
        ("batch = 8", "batch = 0", "from 1 to 4096, not 0"),
        ("batch = 8", "batch = 100000", "from 1 to 4096, not 100000"),
        ("silent = 0.2", "silent = 20.0", "between 0 and 1, not 20"),
        ("heads = 1", "heads = 0", "at least 1, not 0"),
        ("held_out = 5", "held_out = 0", "at least 1, not 0"),
        ("drawn = 20", "drawn = 1", "`drawn` is less than 2"),
    ] {
        assert!(text.contains(right), "{right}");
        fs::write(&config, text.replace(right, wrong)).expect("written");
        let error = clip2latent::run(&config, &Device::flex(), false).expect_err(wrong);
        let message = error.to_string();
        assert!(message.contains(says), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn features_and_latents_must_have_equal_widths() {
    let directory = tempfile::tempdir().expect("a folder");
    write_bundle(&directory.path().join("bundle"), WIDTH + 1);
    let config = write_config(directory.path(), "run");
    let error = clip2latent::run(&config, &Device::flex(), false).expect_err("different widths");
    let message = error.to_string();
    assert!(
        message.contains("have 8 entries, but its latents have 9"),
        "{message}"
    );
}
