//! Engines of bundles with random weights and other mappers than the built-in one.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, Tolerance};
use serde::Serialize;

use super::mapper::{Mapper, Streams};
use super::*;
use crate::bundle::{Bundle, MapperKind, Truncation, ZDistribution};
use crate::clip::transformer::TransformerConfig;
use crate::clip::{Family, SimpleTokenizer, TextTowerConfig, VisionTransformerConfig};
use crate::inversion::ResidualEncoderConfig;
use crate::mapper::{FlowPriorConfig, StreamConfig};
use crate::stylegan2::{GeneratorConfig, MappingActivation};

fn put<M: Module>(folder: &Path, name: &str, config: &impl Serialize, network: M) {
    Bundle::put(folder, name, config, &network).unwrap();
}

fn section(folder: &Path, name: &str, value: &impl Serialize) {
    Bundle::put_section(folder, name, value).unwrap();
}

/// A bundle with towers in OpenAI's conventions, whose resolution differs from the generator's.
fn openai_bundle(folder: &Path, vocab_size: usize) {
    let device = Device::flex();
    let text = TextTowerConfig::new(vocab_size, 77, 8, 1, 1, 6);
    put(folder, "text_tower", &text, text.init(&device));
    let image = VisionTransformerConfig::new(24, 8, 8, 1, 1, 6);
    put(folder, "image_tower", &image, image.init(&device));
    let generator = GeneratorConfig::new(5, 4, vec![4; 4]);
    put(folder, "generator", &generator, generator.init(&device));
    let stream = StreamConfig {
        feature_dim: 6,
        num_ws: generator.num_ws(),
        w_dim: 4,
        transformer: TransformerConfig::new(8, 1, 1),
        hidden: vec![8],
        lr_multiplier: 1.0,
        reads_latent: false,
        memory: Vec::new(),
    };
    put(folder, "text_stream", &stream, stream.init(&device));
    section(folder, "domain", &"photographs");
    section(folder, "license", &"none");
    section(folder, "injection_layer", &2);
    let truncation = Truncation {
        psi: 0.7,
        cutoff: 2,
    };
    section(folder, "truncation", &truncation);
    section(folder, "z_distribution", &ZDistribution::Normal);
    section(folder, "clip", &Family::Openai);
}

#[test]
fn openais_towers_need_no_tokenizer_in_the_bundle() {
    let folder = tempfile::tempdir().unwrap();
    openai_bundle(folder.path(), SimpleTokenizer::VOCAB_SIZE);
    let engine = Engine::open(folder.path()).unwrap();
    let faces = engine.generate(&["a sailor"], &Generate::default());
    let face = faces.unwrap().remove(0);
    assert_eq!(face.image.dimensions(), (32, 32));
    assert!(face.clip_score.is_finite());
    assert_eq!(engine.image_feature(&face.image).len(), 6);
}

#[test]
fn a_vocabulary_that_is_not_openais_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    openai_bundle(folder.path(), 100);
    let error = Engine::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("`text_tower.vocab_size` is 100"), "{error}");
}

#[test]
fn a_naturalness_out_of_range_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    openai_bundle(folder.path(), SimpleTokenizer::VOCAB_SIZE);
    section(folder.path(), "naturalness", &1.5);
    let error = Engine::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("naturalness: 1.5"), "{error}");
}

/// The same with a flow prior of latents of this width, and an encoder.
fn flow_bundle(folder: &Path, w_dim: usize) {
    let device = Device::flex();
    device.seed(1);
    openai_bundle(folder, SimpleTokenizer::VOCAB_SIZE);
    let prior = FlowPriorConfig::new(6, w_dim).with_width(16).with_heads(4);
    put(folder, "flow_prior", &prior, prior.init(&device));
    let encoder = ResidualEncoderConfig::new(4).with_channels(vec![4, 4, 4]);
    put(folder, "residual_encoder", &encoder, encoder.init(&device));
    section(folder, "mapper", &MapperKind::FlowPrior);
}

#[test]
fn a_face_of_a_prior_depends_on_seed_and_text() {
    let folder = tempfile::tempdir().unwrap();
    flow_bundle(folder.path(), 4);
    let engine = Engine::open(folder.path()).unwrap();
    let latent = |text: &str, seed, psi| {
        let description = engine.describe(&[text]).unwrap();
        let truncation = engine.truncation(Some(psi)).unwrap();
        engine.face(&description, seed, truncation).latent.values()
    };
    assert_eq!(latent("a sailor", 1, 0.5), latent("a sailor", 1, 0.5));
    assert_ne!(latent("a sailor", 1, 0.5), latent("a nun", 1, 0.5));
    assert_ne!(latent("a sailor", 1, 0.5), latent("a sailor", 2, 0.5));
    assert_eq!(latent("a sailor", 1, 0.0), latent("a sailor", 2, 0.0));
}

#[test]
fn a_prior_edits_by_text_but_not_by_neutral_text() {
    let folder = tempfile::tempdir().unwrap();
    flow_bundle(folder.path(), 4);
    let engine = Engine::open(folder.path()).unwrap();
    let truncation = engine.config().truncation;
    let photograph = engine.draw(&engine.random_face(3, truncation));
    let face = engine.invert(&photograph, 2);
    let change = |text, strength| {
        let edit = Edit {
            strength,
            ..Edit::default()
        };
        let direction = engine.direction(&face, text, &edit).unwrap();
        direction.abs().max().into_scalar::<f32>()
    };
    assert!(change("an old man", 1.0) > 1e-4);
    assert!(change("an old man", -1.0) > 1e-4);
    assert_eq!(change("a face", 1.0), 0.0);
    assert_eq!(engine.described_layers(), 0..8);
}

#[test]
fn a_prior_that_does_not_fit_or_is_missing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    flow_bundle(folder.path(), 5);
    let error = Engine::open(folder.path()).unwrap_err().to_string();
    let expected = "flow_prior.latent_dim: its latents have 5 entries, the generator's 4";
    assert!(error.ends_with(expected), "{error}");

    let folder = tempfile::tempdir().unwrap();
    openai_bundle(folder.path(), SimpleTokenizer::VOCAB_SIZE);
    section(folder.path(), "mapper", &MapperKind::FlowPrior);
    let error = Engine::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no `flow_prior`, which"), "{error}");
}

#[test]
fn text_changes_dimensions_in_which_faces_vary() {
    let folder = tempfile::tempdir().unwrap();
    Device::flex().seed(1);
    openai_bundle(folder.path(), SimpleTokenizer::VOCAB_SIZE);
    // Gaussian latents in two of four dimensions.
    let generator = GeneratorConfig::new(2, 4, vec![4; 4])
        .with_mapping_layers(1)
        .with_mapping_activation(Some(MappingActivation::Linear))
        .with_normalize_z(false);
    let network = generator.init(&Device::flex());
    put(folder.path(), "generator", &generator, network);
    let engine = Engine::open(folder.path()).unwrap();
    let bundle = Bundle::folder(folder.path());
    let mut streams =
        Streams::load(&bundle, &engine.config, &engine.generator, &engine.device).unwrap();
    let truncation = engine.config().truncation;
    let face = streams.random_face(1, truncation);
    let [text, neutral] = ["an old man", "a face"].map(|text| engine.describe(&[text]).unwrap());
    let [none, half, all] = [0.0, 0.5, 1.0].map(|naturalness| {
        streams.naturalness = naturalness;
        streams.face(&text, 1, truncation) - face.clone()
    });
    let equal = |found: &Tensor<3>, expected: &Tensor<3>| {
        let tolerance = Tolerance::<f32>::absolute(1e-4);
        let expected = expected.to_data();
        found.to_data().assert_approx_eq(&expected, tolerance);
    };
    equal(&all, &streams.wiener_filtered(none.clone()));
    equal(&half, &((none.clone() + all.clone()) / 2.0));
    let length = |x: &Tensor<3>| x.clone().square().sum().into_scalar::<f32>();
    assert!(
        length(&all) < 0.95 * length(&none),
        "the filter removed nothing"
    );

    let edit = streams.change(&text, &neutral, face.clone(), None);
    let filter = streams.wiener_filter.take();
    let plain = streams.change(&text, &neutral, face, None);
    streams.wiener_filter = filter;
    equal(&edit, &streams.wiener_filtered(plain));
}
