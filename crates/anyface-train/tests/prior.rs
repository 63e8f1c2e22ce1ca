//! `train prior` from labelled faces to a bundle that makes faces of words.

use std::fs;
use std::path::{Path, PathBuf};

use anyface::bundle::{Bundle, ZDistribution};
use anyface::clip::transformer::TransformerConfig;
use anyface::clip::{TextTowerConfig, VisionTransformerConfig};
use anyface::inversion::ResidualEncoderConfig;
use anyface::stylegan2::GeneratorConfig;
use anyface::{Edit, Engine, Generate};
use anyface_portraits::{Attribute, Face, latent, render};
use anyface_train::stage::prior;
use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

const FACES: usize = 24;
const W_DIM: usize = 8;

/// Renders with a table of some attributes, each of a person of its own.
fn write_faces(folder: &Path) {
    let labels = [Attribute::Male, Attribute::Young, Attribute::Smiling];
    fs::create_dir_all(folder.join("images")).expect("a folder");
    let names = labels.map(Attribute::name).join(",");
    let mut table = format!("file,identity,{names}\n");
    for i in 0..FACES {
        let mut rng = ChaCha8Rng::seed_from_u64(i as u64);
        let face = Face::from_latent(&latent::sample(&mut rng));
        let picture = folder.join(format!("images/{i:03}.png"));
        render(&face, 32).save(picture).expect("written");
        let states = labels.map(|label| match face.attributes().get(label) {
            Some(state) => u8::from(state).to_string(),
            None => String::new(),
        });
        table += &format!("{i:03}.png,{i},{}\n", states.join(","));
    }
    fs::write(folder.join("attributes.csv"), table).expect("written");
}

fn put<M: Module>(folder: &Path, name: &str, config: &impl Serialize, network: &M) {
    Bundle::put(folder, name, config, network).expect("written");
}

/// A bundle with small random networks, and the tokenizer of the portraits.
fn write_bundle(folder: &Path) {
    let device = Device::flex();
    device.seed(1);
    fs::create_dir(folder).expect("a folder");
    let portraits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/portraits");
    fs::copy(
        portraits.join("tokenizer.json"),
        folder.join("tokenizer.json"),
    )
    .expect("copied");
    let text = TextTowerConfig::new(8000, 24, 8, 1, 1, 6);
    put(folder, "text_tower", &text, &text.init(&device));
    let image = VisionTransformerConfig::new(24, 8, 8, 1, 1, 6);
    put(folder, "image_tower", &image, &image.init(&device));
    let generator = GeneratorConfig::new(W_DIM, W_DIM, vec![4; 4]);
    put(folder, "generator", &generator, &generator.init(&device));
    let encoder = ResidualEncoderConfig::new(W_DIM).with_channels(vec![4, 4, 4]);
    put(folder, "residual_encoder", &encoder, &encoder.init(&device));
    Bundle::put_section(folder, "domain", &"photographs").expect("written");
    Bundle::put_section(folder, "z_distribution", &ZDistribution::Normal).expect("written");
}

/// The configuration of a run in `folder` with its output in `out`.
fn write_config(folder: &Path, out: &str, w_dim: usize) -> PathBuf {
    let path = folder.join(format!("{out}.toml"));
    let folder = folder.display();
    let text = format!(
        "bundle = '{folder}/bundle'\n\
         [run]\nout = '{folder}/{out}'\nseed = 1\nsteps = 6\nlearning_rate = 1e-3\n\
         checkpoint_every = 2\nsample_every = 6\n\
         [photographs]\npath = '{folder}/faces'\nlayout = 'celeba'\nsize = 32\nheld_out = 4\n\
         seed = 1\n\
         [data]\nheld_out = 6\ncaptions = 40\n\
         [learning]\nbatch = 8\nsilent = 0.1\n\
         [model]\nfeature_dim = 6\nw_dim = {w_dim}\nwidth = 16\nblocks = 2\nheads = 4\n\
         [sampling]\nguidance = 2.0\nsteps = 4\n"
    );
    fs::write(&path, text).expect("written");
    path
}

/// A folder with faces, a bundle and nothing trained.
fn start() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a folder");
    write_faces(&directory.path().join("faces"));
    write_bundle(&directory.path().join("bundle"));
    directory
}

#[test]
fn a_bundle_makes_faces_by_its_prior() {
    let directory = start();
    let folder = directory.path();
    let config = write_config(folder, "run", W_DIM);
    prior::run(&config, &Device::flex(), false).expect("a run that ends");
    let sheet = image::open(folder.join("run/samples/00000006.png")).expect("a sample");
    assert_eq!((sheet.width(), sheet.height()), (8 * 32, 12 * 32));
    let log = fs::read_to_string(folder.join("run/log.jsonl")).expect("a log");
    assert!(log.contains("held_out/loss"), "{log}");

    let engine = Engine::open(&folder.join("bundle")).expect("a bundle");
    let options = Generate {
        count: 2,
        ..Generate::default()
    };
    let faces = engine
        .generate(&["a smiling woman"], &options)
        .expect("faces");
    assert_ne!(faces[0].image, faces[1].image);
    let face = engine.invert(&faces[0].image, 1);
    let edit = Edit::default();
    let edited = engine.edit(&face, "an old man", &edit).expect("another");
    assert_ne!(engine.draw(&edited), engine.draw(&face));
}

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
    let directory = start();
    let folder = directory.path();
    let config = write_config(folder, "whole", W_DIM);
    prior::run(&config, &Device::flex(), false).expect("a run that ends");
    let model = |run: &str| {
        let file = format!("{run}/checkpoints/00000006/model.bpk");
        fs::read(folder.join(file)).expect("a checkpoint")
    };
    let whole = model("whole");
    fs::remove_dir_all(folder.join("whole/checkpoints/00000006")).expect("removed");
    prior::run(&config, &Device::flex(), true).expect("a run that ends");
    assert!(model("whole") == whole, "the weights differ");
}

#[test]
fn a_prior_of_another_width_is_refused() {
    let directory = start();
    let config = write_config(directory.path(), "run", W_DIM + 1);
    let error = prior::run(&config, &Device::flex(), false).expect_err("what cannot be");
    let message = error.to_string();
    assert!(
        message.ends_with("[model] `w_dim` is 9, that of the generator 8"),
        "{message}"
    );
}
