//! Bundles as `anyface convert` writes them, with only networks and their sizes. Random weights.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use anyface::bundle::{Bundle, MapperKind, OptimizationConfig, Truncation};
use anyface::checkpoint::StoredTensor;
use anyface::clip::{
    Family, ImageTower, Preprocess, SimpleTokenizer, TextTowerConfig, VisionTransformerConfig,
};
use anyface::identity::IrSeConfig;
use anyface::image::to_tensor;
use anyface::inversion::{EncoderConfig, Method};
use anyface::layers::l2_normalize;
use anyface::mapper::{ImageMapConfig, MemoryConfig};
use anyface::prior::{PriorConfig, Sampling};
use anyface::recognizer::Recognizer;
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, mix};
use anyface::weights::save_tensors;
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

/// Few enough steps for a test.
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

/// The generator and image tower of a bundle, as trained.
struct Seen {
    generator: Generator,
    tower: ImageTower,
}

impl Seen {
    fn load(folder: &Path, engine: &Engine) -> Self {
        let (bundle, device) = (Bundle::folder(folder), Device::flex());
        let (generator, tower) = (&engine.config().generator, &engine.config().image_tower);
        Self {
            generator: bundle
                .network("generator", generator.init(&device))
                .unwrap(),
            tower: bundle.network("image_tower", tower.init(&device)).unwrap(),
        }
    }

    /// The tower's feature of a face with an optional style offset: `[1, E]`, of unit length.
    fn feature(&self, w_plus: Tensor<3>, offset: Option<&Tensor<2>>) -> Tensor<2> {
        let synthesis = self.generator.synthesis.clone();
        let synthesis = match offset {
            Some(offset) => synthesis.restyled(offset),
            None => synthesis,
        };
        let picture = synthesis.forward(w_plus, Noise::Const);
        l2_normalize(self.tower.forward(Preprocess::openai(24).images(picture)))
    }
}

fn distance(a: &Tensor<3>, b: &Tensor<3>) -> f32 {
    (a.clone() - b.clone()).abs().max().into_scalar()
}

#[test]
fn missing_networks_are_named_with_a_remedy() {
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
fn different_widths_are_refused_with_both_values() {
    let refused = |write: &dyn Fn(&Path), says: &str| {
        let folder = tempfile::tempdir().unwrap();
        public_bundle(folder.path());
        write(folder.path());
        let error = Engine::open(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with(says), "{error}");
    };
    refused(
        &|folder| put_clip2latent(folder, 8),
        "clip2latent.dim: it reads features of width 8, the text tower's have width 6",
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
        "image_tower.embed_dim: it gives features of width 7, the text tower's have width 6",
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
        "needs 1 to 20 steps and a finite guidance",
    );
}

#[test]
fn clip2latent_depends_on_seed_and_text() {
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
    // The mean latent of a new prior is 0.
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
    let truncation = engine.config().truncation;
    let best = engine.best_face(&description, 5, 4, truncation);
    let scores = (5..9).map(|seed| engine.face(&description, seed, truncation).clip_score);
    assert_eq!(best.clip_score, scores.fold(f32::NEG_INFINITY, f32::max));
    assert!((5..9).contains(&best.seed));
    let again = engine.face(&description, best.seed, truncation);
    assert_eq!(again.image, best.image);
}

#[test]
fn anyface_plus_takes_two_layers_from_noise_and_the_others_from_the_text() {
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

    // The memory features of several captions are averaged.
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
    let truncation = engine.config().truncation;
    let description = engine.describe(&["a sailor"]).unwrap();
    let seen = Seen::load(folder.path(), &engine);
    let score = |latent: &Latent| {
        let feature = seen.feature(latent.w_plus.clone(), None);
        (feature * description.mean()).sum().into_scalar::<f32>()
    };
    let start = engine.random_face(4, truncation);
    let face = engine.face(&description, 4, truncation);
    assert!((face.clip_score - score(&face.latent)).abs() < 1e-3);
    assert!(
        face.clip_score > score(&start) + 0.05,
        "{} after {}",
        face.clip_score,
        score(&start)
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

#[test]
fn a_recogniser_preserves_the_identity_in_edits_by_optimisation() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    let config = OptimizationConfig {
        steps: 20,
        identity: 10.0,
        ..OptimizationConfig::default()
    };
    section(folder.path(), "optimization", &config);
    let weights = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/checkpoints/mobilefacenet.param");
    let free = Engine::open(folder.path()).unwrap();
    let guarded = Engine::open(folder.path()).unwrap();
    let guarded = guarded.with_recognizer(Some(&weights)).unwrap();
    let face = free.random_face(4, free.config().truncation);
    let edited = |engine: &Engine, method| {
        let edit = Edit {
            method,
            ..Edit::default()
        };
        engine.edit(&face, "a sailor", &edit).unwrap()
    };
    for engine in [&free, &guarded] {
        let [mapper, method] =
            [EditMethod::Mapper, EditMethod::Optimize].map(|method| edited(engine, method));
        assert_eq!(distance(&mapper.w_plus, &method.w_plus), 0.0);
    }
    let recognizer = Recognizer::open(&weights, &Device::flex()).unwrap();
    let person = recognizer.identity(&free.draw(&face));
    let likeness = |latent: &Latent| {
        let other = recognizer.identity(&free.draw(latent));
        person.iter().zip(other).map(|(a, b)| a * b).sum::<f64>()
    };
    let [of_free, of_guarded] =
        [&free, &guarded].map(|engine| likeness(&edited(engine, EditMethod::Mapper)));
    assert!(of_guarded > of_free, "{of_guarded} is not above {of_free}");
}

/// An encoder for pictures of 32 pixels with `inputs` channels.
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
fn a_restyle_encoder_adds_to_the_previous_latent() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    let config = small_encoder(Method::RestyleE4e, 6, 8);
    let encoder = config.init(&Device::flex());
    put(folder.path(), "inversion", &config, encoder);
    let engine = Engine::open(folder.path()).unwrap();
    let picture = engine.draw(&engine.random_face(9, engine.config().truncation));
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

#[test]
fn global_directions_are_the_changes_of_clips_feature() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    let engine = Engine::open(folder.path()).unwrap();
    let face = engine.random_face(0, engine.config().truncation);
    let missing = engine.edit_styles(&face, "an old man", 1.0, 0.15);
    let missing = missing.unwrap_err().to_string();
    assert!(
        missing.contains("the bundle has no `directions`"),
        "{missing}"
    );

    let mut last = 0;
    let (sizes, directions) = engine.prepare_directions(1, |done| last = done);
    // 4 channels at 4², and twice at each of the other three resolutions.
    assert_eq!(
        (sizes.style_width, sizes.feature_dim, last),
        (28, WIDTH, 28)
    );
    let device = Device::flex();
    let network = Seen::load(folder.path(), &engine);
    let seen = |offset: Tensor<2>| network.feature(face.w_plus.clone(), Some(&offset));
    for style in [0, 9, 27] {
        let deviation = directions
            .deviation
            .val()
            .narrow(0, style, 1)
            .unsqueeze::<2>();
        let axis = Tensor::<2>::zeros([1, 28], &device);
        let step = axis.slice_assign([0..1, style..style + 1], deviation * 5.0);
        let expected = l2_normalize(seen(step.clone()) - seen(-step));
        let found = directions.features.val().narrow(0, style, 1);
        let cosine: f32 = (found * expected).sum().into_scalar();
        assert!(cosine > 0.99, "style {style}: {cosine}");
    }

    put(folder.path(), "directions", &sizes, directions);
    let engine = Engine::open(folder.path()).unwrap();
    let edited = |strength| {
        engine
            .edit_styles(&face, "an old man", strength, 0.15)
            .unwrap()
    };
    let offset = |latent: &Latent| latent.style_offset.clone().unwrap();
    let largest: f32 = offset(&edited(1.0)).abs().max().into_scalar();
    assert!(largest > 1e-4, "{largest}");
    assert!(engine.draw(&edited(1.0)) != engine.draw(&face));
    let halves = face.towards(&edited(1.0), 0.5);
    assert_eq!(engine.draw(&halves), engine.draw(&edited(0.5)));
    let path = folder.path().join("edited.safetensors");
    edited(1.0).save(&path).unwrap();
    let again = engine.load_latent(&path).unwrap();
    assert_eq!(engine.draw(&again), engine.draw(&edited(1.0)));
    let nothing = engine
        .edit_styles(&face, "an old man", 1.0, 1.0)
        .unwrap_err();
    assert!(
        nothing.to_string().starts_with("threshold must be"),
        "{nothing}"
    );
}

#[test]
fn directions_load_from_files_of_other_tools() {
    let folder = tempfile::tempdir().unwrap();
    public_bundle(folder.path());
    let engine = Engine::open(folder.path()).unwrap();
    let path = folder.path().join("direction.safetensors");
    let write = |tensors: &[(&str, &[usize])]| {
        let tensors = tensors.iter().map(|&(name, shape)| {
            let count = shape.iter().product::<usize>();
            let values: Vec<f32> = (0..count).map(|i| i as f32).collect();
            (
                name.to_owned(),
                StoredTensor::from_f32(shape.to_vec(), &values),
            )
        });
        let tensors: Vec<_> = tensors.collect();
        let tensors = tensors.iter().map(|(name, tensor)| (name.clone(), tensor));
        save_tensors(tensors.collect(), &path).unwrap();
    };
    let load = |component, layers| engine.load_direction(&path, component, layers);
    let values = |direction: Tensor<3>| direction.into_data().iter().collect::<Vec<f32>>();
    let row = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    for shape in [&[WIDTH][..], &[1, WIDTH]] {
        write(&[("age", shape)]);
        let found = values(load(None, Some(2..3)).unwrap());
        assert_eq!(found[12..18], row);
        assert_eq!(found.iter().filter(|&&value| value != 0.0).count(), 5);
        assert_eq!(values(load(None, None).unwrap()), row.repeat(8));
    }
    write(&[("pose", &[8, WIDTH])]);
    assert_eq!(values(load(None, None).unwrap())[47], 47.0);
    // Component 1 is 6 to 11, its standard deviation 1.
    write(&[("comp", &[3, WIDTH]), ("mean", &[1, WIDTH]), ("std", &[3])]);
    let component = values(load(Some(1), None).unwrap());
    assert_eq!(component[..6], [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);

    let refused = |component, says: &str| {
        let error = load(component, None).unwrap_err().to_string();
        assert!(error.contains("direction.safetensors"), "{error}");
        assert!(error.contains(says), "{error}");
    };
    refused(None, "3 principal components: choose one with --component");
    refused(
        Some(3),
        "--component 3: the file has 3 components, counted from 0",
    );
    write(&[("age", &[7])]);
    refused(None, "`age` has shape [7]");
    refused(Some(0), "the file has no principal components");
}
