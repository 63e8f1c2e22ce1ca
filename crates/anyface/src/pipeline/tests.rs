//! Engines of bundles other than the built-in one, random weights.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, Tolerance};
use serde::Serialize;

use super::*;
use crate::bundle::{Bundle, Truncation, ZDistribution};
use crate::clip::transformer::TransformerConfig;
use crate::clip::{Family, SimpleTokenizer, TextTowerConfig, VisionTransformerConfig};
use crate::mapper::StreamConfig;
use crate::stylegan2::GeneratorConfig;

fn put<M: Module>(folder: &Path, name: &str, config: &impl Serialize, network: M) {
    Bundle::put(folder, name, config, &network).unwrap();
}

fn section(folder: &Path, name: &str, value: &impl Serialize) {
    Bundle::put_section(folder, name, value).unwrap();
}

/// A bundle with towers of OpenAI's family, whose side is not the generator's.
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
fn towers_of_openais_family_need_no_tokenizer_in_the_bundle() {
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

#[test]
fn words_change_what_faces_vary_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/photographs");
    let mut engine = Engine::open(&folder).unwrap();
    let truncation = engine.truncation(None).unwrap();
    let face = engine.random_face(1, truncation);
    let description = engine.describe(&["an old man"]).unwrap();
    let [none, half, all] = [0.0, 0.5, 1.0].map(|naturalness| {
        engine.config.naturalness = naturalness;
        engine.face(&description, 1, truncation).latent.w_plus - face.w_plus.clone()
    });
    let equal = |found: &Tensor<3>, expected: &Tensor<3>| {
        let tolerance = Tolerance::<f32>::absolute(1e-4);
        let expected = expected.to_data();
        found.to_data().assert_approx_eq(&expected, tolerance);
    };
    equal(&all, &engine.wiener_filtered(none.clone()));
    equal(&half, &((none.clone() + all.clone()) / 2.0));
    let length = |x: &Tensor<3>| x.clone().square().sum().into_scalar::<f32>();
    assert!(
        length(&all) < 0.95 * length(&none),
        "nothing was taken back"
    );

    let edit = engine.direction(&face, "old", &Edit::default()).unwrap();
    let filter = engine.wiener_filter.take();
    let plain = engine.direction(&face, "old", &Edit::default()).unwrap();
    engine.wiener_filter = filter;
    equal(&edit, &engine.wiener_filtered(plain));
}
