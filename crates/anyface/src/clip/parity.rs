//! Parity of both towers with openai/CLIP on random weights; `tests/fixtures/clip/README.md` says how they were made.

#![allow(clippy::unwrap_used)]

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use super::*;
use crate::weights::load_module_bytes;

const WEIGHTS: &[u8] = include_bytes!("../../tests/fixtures/clip/tiny.safetensors");
const EXPECTED: &[u8] = include_bytes!("../../tests/fixtures/clip/tiny.io.safetensors");

/// The checkpoint's image tower and text tower.
fn towers(device: &Device) -> (ImageTower, TextTower) {
    let image = ImageTowerConfig::new(32, 8, 64, 2, 1, 32).init(device);
    let text = TextTowerConfig::new(256, 77, 128, 1, 2, 32).init(device);
    let checkpoint = SafeTensors::deserialize(WEIGHTS).unwrap();
    (
        load(
            image,
            checkpoint
                .iter()
                .filter_map(|(key, view)| Some((key.strip_prefix("visual.")?, view))),
        ),
        load(
            text,
            checkpoint
                .iter()
                .filter(|(key, _)| !key.starts_with("visual.") && *key != "logit_scale"),
        ),
    )
}

fn load<'a, M: Module>(module: M, tensors: impl Iterator<Item = (&'a str, TensorView<'a>)>) -> M {
    let bytes = safetensors::serialize(tensors, None).unwrap();
    load_module_bytes(module, &bytes, "checkpoint").unwrap()
}

fn expected<const D: usize>(name: &str, device: &Device) -> Tensor<D> {
    let file = SafeTensors::deserialize(EXPECTED).unwrap();
    let view = file.tensor(name).unwrap();
    let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
    // A scalar is a tensor of one element here.
    let shape = if view.shape().is_empty() {
        vec![1]
    } else {
        view.shape().to_vec()
    };
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn ids() -> (Vec<i64>, [usize; 2]) {
    let file = SafeTensors::deserialize(EXPECTED).unwrap();
    let view = file.tensor("ids").unwrap();
    (
        bytemuck::pod_collect_to_vec(view.data()),
        [view.shape()[0], view.shape()[1]],
    )
}

/// The fixture's texts, cut to the longest of them.
fn tokens(device: &Device) -> Tokens {
    let (ids, [batch, context]) = ids();
    let eot: Vec<i64> = ids
        .chunks(context)
        .map(|row| row.iter().position(|&id| id == 255).unwrap() as i64)
        .collect();
    let length = *eot.iter().max().unwrap() as usize + 1;
    let cut: Vec<i64> = ids
        .chunks(context)
        .flat_map(|row| row[..length].to_vec())
        .collect();
    Tokens {
        ids: Tensor::from_data(TensorData::new(cut, [batch, length]), device),
        eot: Tensor::from_data(TensorData::new(eot, [batch]), device),
    }
}

/// Fails when the greatest difference is over `tolerance` times the greatest expected value.
fn assert_close<const D: usize>(name: &str, found: Tensor<D>, expected: Tensor<D>, tolerance: f32) {
    let scale: f32 = expected.clone().abs().max().into_scalar();
    let error: f32 = (found - expected).abs().max().into_scalar();
    let relative = error / scale;
    assert!(relative <= tolerance, "{name}: relative error {relative:e}");
}

#[test]
fn image_tower_equals_the_reference_at_every_tap() {
    let device = Device::flex();
    let (tower, _) = towers(&device);
    let pixels = expected::<4>("pixels", &device);
    let mut x = tower.embed(pixels.clone());
    assert_close(
        "visual.ln_pre",
        x.clone(),
        expected("visual.ln_pre", &device),
        1e-5,
    );
    for (i, block) in tower.transformer.resblocks.iter().enumerate() {
        x = block.forward(x, None);
        let name = format!("visual.block{i}");
        assert_close(&name, x.clone(), expected(&name, &device), 1e-5);
    }
    assert_close(
        "image_features",
        tower.forward(pixels),
        expected("image_features", &device),
        1e-5,
    );
}

#[test]
fn text_tower_equals_the_reference_at_every_tap() {
    let device = Device::flex();
    let (_, tower) = towers(&device);
    let (ids, shape) = ids();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &device);
    let hidden = tower.transformer.forward(tower.embed(ids), None);
    assert_close(
        "text.block0",
        hidden,
        expected("text.block0", &device),
        1e-5,
    );
    assert_close(
        "text_features",
        tower.forward(tokens(&device)),
        expected("text_features", &device),
        1e-5,
    );
}

#[test]
fn gradient_of_the_clip_score_equals_the_reference() {
    let device = Device::flex().autodiff();
    let (image_tower, text_tower) = towers(&device);
    let pixels = expected::<4>("pixels", &device).require_grad();
    let text_features = text_tower.forward(tokens(&device)).narrow(0, 0, 3);
    let loss = (-clip_score(image_tower.forward(pixels.clone()), text_features) + 1.0).mean();
    let gradients = loss.backward();
    assert_close(
        "loss",
        loss.inner(),
        expected("grad.loss", &Device::flex()),
        1e-5,
    );
    let gradient = pixels.grad(&gradients).unwrap();
    assert_close(
        "grad.pixels",
        gradient,
        expected("grad.pixels", &Device::flex()),
        5e-5,
    );
}

#[test]
fn padding_never_changes_a_bidirectional_text_feature() {
    let device = Device::flex();
    let tower = TextTowerConfig::new(256, 77, 32, 2, 2, 8)
        .with_causal(false)
        .init(&device);
    let feature = |ids: &[i64]| {
        tower.forward(Tokens {
            ids: Tensor::from_data(TensorData::new(ids.to_vec(), [1, ids.len()]), &device),
            eot: Tensor::from_data([2], &device),
        })
    };
    let alone = feature(&[254, 7, 255]);
    assert_close("padded", feature(&[254, 7, 255, 0, 9]), alone.clone(), 1e-5);
    let other: f32 = (feature(&[254, 8, 255]) - alone).abs().max().into_scalar();
    assert!(other > 1e-3);
}
