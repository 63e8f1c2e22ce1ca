//! Tests `train prior`: from labelled faces to a bundle that generates faces from text.

use std::fs;
use std::path::{Path, PathBuf};

use anyface::bundle::{Bundle, ZDistribution};
use anyface::clip::transformer::TransformerConfig;
use anyface::clip::{TextTowerConfig, VisionTransformerConfig};
use anyface::inversion::ResidualEncoderConfig;
use anyface::mapper::StreamConfig;
use anyface::probe::ProbeConfig;
use anyface::stylegan2::GeneratorConfig;
use anyface::{Edit, Engine, Generate};
use anyface_portraits::latent::LATENT_DIM;
use anyface_portraits::{Attribute, CODE_DIM, Face, latent, render};
use anyface_train::stage::prior;
use burn::module::Module;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

const FACES: usize = 24;
const W_DIM: usize = 8;
const PHOTOGRAPHS: &str = "[photographs]\npath = 'FOLDER/faces'\nlayout = 'celeba'\nsize = 32\n\
    held_out = 4\nseed = 1\n[data]\nheld_out = 6\ncaptions = 40\n";
const PORTRAITS: &str = "[portraits]\ncount = 40\nfaces_per_role = 1\nneutral_texts = 8\n\
    wordnet = 'FOLDER/wordnet'\n[data]\nheld_out = 6\ncaptions = 2\n";

/// Writes renders, one per person, and a table of attributes.
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

/// A bundle with small random networks and the tokenizer of the portraits.
fn write_bundle(folder: &Path, z_dim: usize, z_distribution: ZDistribution) {
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
    let generator = GeneratorConfig::new(z_dim, W_DIM, vec![4; 4]);
    put(folder, "generator", &generator, &generator.init(&device));
    let encoder = ResidualEncoderConfig::new(W_DIM).with_channels(vec![4, 4, 4]);
    put(folder, "residual_encoder", &encoder, &encoder.init(&device));
    Bundle::put_section(folder, "domain", &"photographs").expect("written");
    Bundle::put_section(folder, "z_distribution", &z_distribution).expect("written");
}

/// A WordNet of two words.
fn write_wordnet(folder: &Path) {
    fs::create_dir(folder).expect("a folder");
    let noun = "00000010 15 n 01 moor 0 000 | open land  \n";
    fs::write(folder.join("data.noun"), noun).expect("written");
    let adjective = "00000040 00 s 01 old 0 000 | aged\n";
    fs::write(folder.join("data.adj"), adjective).expect("written");
}

/// The configuration of a run in `folder` with its output in `out`, on these faces.
fn write_config(folder: &Path, out: &str, latent_dim: usize, faces: &str) -> PathBuf {
    let path = folder.join(format!("{out}.toml"));
    let folder = folder.display();
    let faces = faces.replace("FOLDER", &folder.to_string());
    let text = format!(
        "bundle = '{folder}/bundle'\n\
         [run]\nout = '{folder}/{out}'\nseed = 1\nsteps = 6\nlearning_rate = 1e-3\n\
         checkpoint_every = 2\nsample_every = 6\n\
         {faces}\
         [learning]\nbatch = 8\nsilent = 0.3\nrare = 0.2\n\
         [model]\nfeature_dim = 6\nlatent_dim = {latent_dim}\nwidth = 16\nblocks = 2\nheads = 4\n\
         [sampling]\nguidance = 2.0\nsteps = 4\n"
    );
    fs::write(&path, text).expect("written");
    path
}

/// A folder with faces and an untrained bundle.
fn start() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a folder");
    write_faces(&directory.path().join("faces"));
    write_bundle(
        &directory.path().join("bundle"),
        W_DIM,
        ZDistribution::Normal,
    );
    directory
}

/// A folder with WordNet and an untrained bundle of portraits.
fn start_with_portraits() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a folder");
    write_wordnet(&directory.path().join("wordnet"));
    write_bundle(
        &directory.path().join("bundle"),
        CODE_DIM,
        ZDistribution::Portraits,
    );
    let stream = StreamConfig {
        feature_dim: 6,
        num_ws: 8,
        w_dim: W_DIM,
        transformer: TransformerConfig::new(8, 1, 1),
        hidden: vec![8],
        lr_multiplier: 1.0,
        reads_latent: true,
        memory: Vec::new(),
    };
    let bundle = directory.path().join("bundle");
    put(
        &bundle,
        "text_stream",
        &stream,
        &stream.init(&Device::flex()),
    );
    directory
}

#[test]
fn a_prior_of_photographs_generates_faces() {
    let directory = start();
    let folder = directory.path();
    let config = write_config(folder, "run", W_DIM, PHOTOGRAPHS);
    prior::run(&config, &Device::flex(), false).expect("a run");
    let sheet = image::open(folder.join("run/samples/00000006.png")).expect("a sample");
    assert_eq!((sheet.width(), sheet.height()), (4 + 8 * 36, 4 + 12 * 36));
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
    let edited = engine.edit(&face, "an old man", &edit).expect("an edit");
    assert_ne!(engine.draw(&edited), engine.draw(&face));
}

/// A run whose last checkpoint is lost ends with the same weights when it is resumed.
fn resumes(directory: &Path, latent_dim: usize, faces: &str) {
    let config = write_config(directory, "whole", latent_dim, faces);
    prior::run(&config, &Device::flex(), false).expect("a run that ends");
    let model = |run: &str| {
        let file = format!("{run}/checkpoints/00000006/model.bpk");
        fs::read(directory.join(file)).expect("a checkpoint")
    };
    let whole = model("whole");
    fs::remove_dir_all(directory.join("whole/checkpoints/00000006")).expect("removed");
    prior::run(&config, &Device::flex(), true).expect("a run");
    assert!(model("whole") == whole, "the weights differ");
}

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
    resumes(start().path(), W_DIM, PHOTOGRAPHS);
    resumes(start_with_portraits().path(), LATENT_DIM, PORTRAITS);
}

#[test]
fn a_prior_of_portraits_depends_on_the_text() {
    let directory = start_with_portraits();
    let folder = directory.path();
    let config = write_config(folder, "run", LATENT_DIM, PORTRAITS);
    prior::run(&config, &Device::flex(), false).expect("a run that ends");
    let engine = Engine::open(&folder.join("bundle")).expect("a bundle");
    let face = |text: &str| {
        let faces = engine.generate(&[text], &Generate::default());
        faces.expect("a face")[0].image.clone()
    };
    assert_ne!(face("an old man"), face("a young woman"));
}

#[test]
fn two_sources_of_faces_are_an_error() {
    let directory = start();
    let both = format!(
        "{}{}",
        PHOTOGRAPHS.split("[data]").next().expect("a table"),
        PORTRAITS
    );
    let config = write_config(directory.path(), "run", W_DIM, &both);
    let error = prior::run(&config, &Device::flex(), false).expect_err("two sources");
    let message = error.to_string();
    assert!(
        message.ends_with("needs exactly one of the tables [portraits] and [photographs]"),
        "{message}"
    );
}

#[test]
fn a_prior_of_another_width_is_an_error() {
    let directory = start();
    let config = write_config(directory.path(), "run", W_DIM + 1, PHOTOGRAPHS);
    let error = prior::run(&config, &Device::flex(), false).expect_err("another width");
    let message = error.to_string();
    assert!(
        message.ends_with("[model] `latent_dim` is 9, the bundle needs 8"),
        "{message}"
    );
}

#[test]
fn a_probe_of_another_size_measures_the_run() {
    let directory = start();
    let folder = directory.path();
    let probe = ProbeConfig::new(Attribute::COUNT)
        .with_resolution(16)
        .with_channels(vec![4, 4]);
    put(
        &folder.join("bundle"),
        "probe",
        &probe,
        &probe.init(&Device::flex()),
    );
    let config = write_config(folder, "run", W_DIM, PHOTOGRAPHS);
    prior::run(&config, &Device::flex(), false).expect("a run that ends");
    let log = fs::read_to_string(folder.join("run/log.jsonl")).expect("a log");
    assert!(log.contains("held_out/faithfulness"), "{log}");
}
