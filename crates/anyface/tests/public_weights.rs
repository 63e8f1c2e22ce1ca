//! Bundles as `anyface convert` leaves them: networks and their sizes, and nothing else. Random weights.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use anyface::bundle::{Bundle, MapperKind, OptimizationConfig, Truncation};
use anyface::clip::{Family, SimpleTokenizer, TextTowerConfig, VisionTransformerConfig};
use anyface::identity::IrSeConfig;
use anyface::image::to_tensor;
use anyface::inversion::{EncoderConfig, Method};
use anyface::mapper::{ImageMapConfig, MemoryConfig};
use anyface::prior::{PriorConfig, Sampling};
use anyface::stylegan2::{GeneratorConfig, Noise, mix};
use anyface::{Edit, EditMethod, Engine, Latent};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::Serialize;

fn put<M: Module>(folder: &Path, name: &str, config: &impl Serialize, network: M) {
    Bundle::put(folder, name, config, &network).unwrap();
}

fn section(folder: &Path, name: &str, value: &impl Serialize) {
    Bundle::put_section(folder, name, value).unwrap();
}

/// Width of features and of latents.
const WIDTH: usize = 6;

/// Both towers and a generator.
fn public_bundle(folder: &Path) {
    let device = Device::flex();
    device.seed(2);
    let text = TextTowerConfig::new(SimpleTokenizer::VOCAB_SIZE, 77, 8, 1, 1, WIDTH);
    put(folder, "text_tower", &text, text.init(&device));
    let image = VisionTransformerConfig::new(24, 8, 8, 1, 1, WIDTH);
    put(folder, "image_tower", &image, image.init(&device));
    let generator = GeneratorConfig::new(5, WIDTH, vec![4; 4]).with_mapping_layers(2);
    put(folder, "generator", &generator, generator.init(&device));
    section(folder, "clip", &Family::Openai);
}

fn put_clip2latent(folder: &Path, dim: usize) {
    let prior = PriorConfig::new(dim, 1, 2).with_num_timesteps(20);
    put(folder, "clip2latent", &prior, prior.init(&Device::flex()));
    section(folder, "clip2latent_sampling", &Sampling::default());
}

fn put_anyface_plus(folder: &Path, num_ws: usize) {
    let device = Device::flex();
    let memory = MemoryConfig::new(vec![3, 4], WIDTH);
    put(folder, "memory", &memory, memory.init(&device));
    let map = ImageMapConfig::new(2 * WIDTH, vec![10, num_ws * WIDTH], WIDTH);
    put(folder, "image_map", &map, map.init(&device));
}

/// Steps few enough for a test.
fn put_optimization(folder: &Path, steps: usize) {
    let config = OptimizationConfig {
        steps,
        ..OptimizationConfig::default()
    };
    section(folder, "optimization", &config);
}

fn latent(engine: &Engine, captions: &[&str], seed: u64, psi: f64) -> Tensor<3> {
    let description = engine.describe(captions).unwrap();
    let truncation = engine.truncation(Some(psi)).unwrap();
    engine.face(&description, seed, truncation).latent.w_plus
}

fn distance(a: &Tensor<3>, b: &Tensor<3>) -> f32 {
    (a.clone() - b.clone()).abs().max().into_scalar()
}

#[test]
fn networks_that_are_missing_are_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let generator = GeneratorConfig::new(5, WIDTH, vec![4; 4]);
    let network = generator.init(&Device::flex());
    put(folder.path(), "generator", &generator, network);
    let error = Engine::open(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("no `text_tower`, `image_tower`, which"),
        "{error}"
    );
    assert!(error.contains("`anyface convert FILE BUNDLE`"), "{error}");

    public_bundle(folder.path());
    let map = ImageMapConfig::new(2 * WIDTH, vec![8 * WIDTH], WIDTH);
    put(folder.path(), "image_map", &map, map.init(&Device::flex()));
    let bundle = Bundle::folder(folder.path());
    assert_eq!(bundle.missing_networks().unwrap(), ["memory"]);
}

#[test]
fn widths_that_differ_are_refused_with_both_numbers() {
    let refused = |write: &dyn Fn(&Path), says: &str| {
        let folder = tempfile::tempdir().unwrap();
        public_bundle(folder.path());
        write(folder.path());
        let error = Engine::open(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(says), "{error}");
    };
    refused(
        &|folder| put_clip2latent(folder, 8),
        "clip2latent.dim: it reads features of 8, the text tower's have 6",
    );
    refused(
        &|folder| put_anyface_plus(folder, 10),
        "image_map.widths: its latents have 10 layers, the generator's 8",
    );
    let device = Device::flex();
    refused(
        &|folder| {
            let image = VisionTransformerConfig::new(24, 8, 8, 1, 1, 7);
            put(folder, "image_tower", &image, image.init(&device));
        },
        "image_tower.embed_dim: it gives features of 7, the text tower's have 6",
    );
    refused(
        &|folder| {
            let encoder = small_encoder(Method::E4e, 3, 18);
            put(folder, "inversion", &encoder, encoder.init(&device));
        },
        "inversion.num_ws: its latents have 18 layers, the generator's 8",
    );
    refused(
        &|folder| {
            put_clip2latent(folder, WIDTH);
            let sampling = Sampling {
                steps: 21,
                ..Sampling::default()
            };
            section(folder, "clip2latent_sampling", &sampling);
        },
        "needs 1 to 20 steps, and a number",
    );
}

#[test]
fn clip2latent_draws_one_latent_of_seed_and_words() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    put_clip2latent(folder.path(), WIDTH);
    let engine = Engine::open(folder.path()).unwrap();
    assert_eq!(engine.config().mapper, MapperKind::Clip2latent);
    assert_eq!(engine.config().truncation.psi, 1.0);
    let sailor = latent(&engine, &["a sailor"], 1, 1.0);
    assert_eq!(sailor.dims(), [1, 8, WIDTH]);
    assert_eq!(
        distance(&sailor, &latent(&engine, &["a sailor"], 1, 1.0)),
        0.0
    );
    assert!(distance(&sailor, &latent(&engine, &["a nun"], 1, 1.0)) > 1e-4);
    assert!(distance(&sailor, &latent(&engine, &["a sailor"], 2, 1.0)) > 1e-4);
    // Its mean latent is 0 when it is fresh.
    let half = latent(&engine, &["a sailor"], 1, 0.5);
    assert!(distance(&(half * 2.0), &sailor) < 1e-6);

    let face = engine.random_face(3, engine.config().truncation);
    let direction = |text| engine.direction(&face, text, &Edit::default()).unwrap();
    let nothing = direction("a face");
    assert_eq!(distance(&nothing, &nothing.zeros_like()), 0.0);
    assert!(distance(&direction("an old man"), &nothing) > 1e-5);
}

#[test]
fn the_best_of_several_faces_has_the_highest_score() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    put_clip2latent(folder.path(), WIDTH);
    let engine = Engine::open(folder.path()).unwrap();
    let description = engine.describe(&["a sailor"]).unwrap();
    let truncation = engine.truncation(None).unwrap();
    let best = engine.best_face(&description, 5, 4, truncation);
    let scores = (5..9).map(|seed| engine.face(&description, seed, truncation).clip_score);
    assert_eq!(best.clip_score, scores.fold(f32::NEG_INFINITY, f32::max));
    assert!((5..9).contains(&best.seed));
    let again = engine.face(&description, best.seed, truncation);
    assert_eq!(again.image, best.image);
}

#[test]
fn anyface_plus_takes_two_layers_from_noise_and_the_others_from_the_words() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    put_anyface_plus(folder.path(), 8);
    let engine = Engine::open(folder.path()).unwrap();
    let Truncation { psi, cutoff } = engine.config().truncation;
    assert_eq!((psi, cutoff), (0.5, 8));
    assert_eq!(engine.described_layers(), 2..8);
    let fine = |w_plus: Tensor<3>| w_plus.narrow(1, 2, 6);
    let [one, other] = [1, 2].map(|seed| latent(&engine, &["a sailor"], seed, psi));
    assert!(distance(&one, &other) > 1e-5);
    assert_eq!(distance(&fine(one.clone()), &fine(other)), 0.0);

    // Several captions meet in what the memory answers.
    let bundle = Bundle::folder(folder.path());
    let config = engine.config();
    let (memory, map) = (
        config.memory.clone().unwrap(),
        config.image_map.clone().unwrap(),
    );
    let device = Device::flex();
    let memory = bundle.network("memory", memory.init(&device)).unwrap();
    let map = bundle.network("image_map", map.init(&device)).unwrap();
    let answer = |text| memory.forward(engine.describe(&[text]).unwrap().raw_features);
    let mean = (answer("a sailor") + answer("an old man")) / 2.0;
    let both = latent(&engine, &["a sailor", "an old man"], 1, psi);
    assert!(distance(&fine(both), &fine(map.forward(mean))) < 1e-6);

    let face = engine.random_face(7, config.truncation);
    let crossed = engine.crossover(&face, "a sailor", 1, 4).unwrap().w_plus;
    let expected = mix(face.w_plus, one, 4);
    assert_eq!(distance(&crossed, &expected), 0.0);
}

#[test]
fn optimisation_raises_the_score_that_it_optimises() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    put_optimization(folder.path(), 30);
    let engine = Engine::open(folder.path()).unwrap();
    assert_eq!(engine.config().mapper, MapperKind::Optimization);
    let truncation = engine.truncation(None).unwrap();
    let description = engine.describe(&["a sailor"]).unwrap();
    let said: Vec<f32> = description.mean().into_data().iter().collect();
    let score = |latent: &Latent| {
        let seen = engine.image_feature(&engine.draw(latent));
        let products = seen.iter().zip(&said).map(|(a, b)| a * b);
        products.sum::<f32>()
    };
    let start = engine.random_face(4, truncation);
    let face = engine.face(&description, 4, truncation);
    // A picture in bytes is a little different from what the tower saw.
    assert!((face.clip_score - score(&face.latent)).abs() < 0.02);
    assert!(
        face.clip_score > score(&start) + 0.05,
        "{}",
        face.clip_score
    );

    let edit = Edit {
        method: EditMethod::Optimize,
        ..Edit::default()
    };
    let changed = engine.edit(&start, "a sailor", &edit).unwrap();
    assert!(distance(&changed.w_plus, &start.w_plus) > 1e-3);
    let same = engine.edit(&start, "a face", &edit).unwrap();
    assert_eq!(distance(&same.w_plus, &start.w_plus), 0.0);
}

/// An encoder for pictures of 32 pixels, of so many channels.
fn small_encoder(method: Method, inputs: usize, num_ws: usize) -> EncoderConfig {
    let backbone = IrSeConfig::new()
        .with_inputs(inputs)
        .with_channels([4; 4])
        .with_units([1; 4]);
    EncoderConfig::new(method, num_ws, backbone)
        .with_resolution(32)
        .with_style_width(4)
        .with_w_dim(WIDTH)
}

#[test]
fn a_picture_is_inverted_from_the_mean_latent_without_an_encoder() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    let engine = Engine::open(folder.path()).unwrap();
    let picture = engine.draw(&engine.random_face(9, engine.truncation(Some(1.0)).unwrap()));
    let error = |latent: &Latent| {
        let pairs = engine
            .draw(latent)
            .into_raw()
            .into_iter()
            .zip(picture.as_raw());
        pairs.map(|(a, &b)| f64::from(a.abs_diff(b))).sum::<f64>()
    };
    let mean = engine.random_face(0, engine.truncation(Some(0.0)).unwrap());
    let found = engine.invert(&picture, 0);
    assert!(error(&found) < 0.5 * error(&mean), "{}", error(&found));
}

#[test]
fn a_restyle_encoder_adds_to_what_it_found_before() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    let config = small_encoder(Method::RestyleE4e, 6, 8);
    let encoder = config.init(&Device::flex());
    put(folder.path(), "inversion", &config, encoder);
    let engine = Engine::open(folder.path()).unwrap();
    let picture = engine.draw(&engine.random_face(9, engine.truncation(None).unwrap()));
    let found = engine.invert(&picture, 0);

    let (bundle, device) = (Bundle::folder(folder.path()), Device::flex());
    let encoder = bundle.network("inversion", config.init(&device)).unwrap();
    let generator = engine.config().generator.init(&device);
    let generator = bundle.network("generator", generator).unwrap();
    let input = to_tensor(&[&picture], &device);
    let mean = engine.truncation(Some(0.0)).unwrap();
    let mut expected = engine.random_face(0, mean).w_plus;
    for _ in 0..5 {
        let drawn = generator.synthesis.forward(expected.clone(), Noise::Const);
        expected = encoder.forward(Tensor::cat(vec![input.clone(), drawn], 1)) + expected;
    }
    assert!(distance(&found.w_plus, &expected) < 1e-3);
}
