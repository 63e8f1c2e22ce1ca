//! Engines of bundles other than the built-in one, random weights.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::*;
use crate::clip::transformer::TransformerConfig;
use crate::clip::{Family, SimpleTokenizer, TextTowerConfig, VisionTransformerConfig};
use crate::mapper::StreamConfig;
use crate::stylegan2::GeneratorConfig;
use crate::weights::Bundle;

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
    section(folder, "prior", &Prior::Normal);
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
    openai_bundle(folder.path(), 49408);
    section(folder.path(), "naturalness", &1.5);
    let error = Engine::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("naturalness: 1.5"), "{error}");
}

/// How much of a change lies beside what faces vary in, 0 to 1.
fn unlikely(engine: &Engine, change: &Tensor<3>) -> f32 {
    let length = |x: Tensor<3>| x.square().sum().sqrt().into_scalar::<f32>();
    length(change.clone() - engine.likely(change.clone())) / length(change.clone())
}

#[test]
fn words_change_what_faces_vary_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/photographs");
    let mut engine = Engine::open(&folder).unwrap();
    let truncation = engine.truncation(None).unwrap();
    let face = engine.random_face(1, truncation);
    let edit = engine.direction(&face, "old", &Edit::default()).unwrap();
    assert!(unlikely(&engine, &edit) < 0.3);

    let description = engine.describe(&["an old man"]).unwrap();
    let [none, half, all] = [0.0, 0.5, 1.0].map(|naturalness| {
        engine.config.naturalness = naturalness;
        let drawn = engine.face(&description, 1, truncation).latent;
        unlikely(&engine, &(drawn.w_plus - face.w_plus.clone()))
    });
    assert!(
        none > 0.5 && half < none && all < 0.3,
        "{none}, {half}, {all}"
    );
}
