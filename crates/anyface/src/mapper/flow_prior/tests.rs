//! Tests of a prior with random weights.

use burn::tensor::{Device, Distribution, Tensor, Tolerance};

use super::*;

const W_DIM: usize = 6;

/// A prior with a non-trivial whitening.
fn prior() -> FlowPrior {
    let device = Device::flex();
    device.seed(1);
    let w = Tensor::random([64, W_DIM], Distribution::Normal(2.0, 3.0), &device);
    let config = FlowPriorConfig::new(5, W_DIM).with_width(32).with_heads(4);
    config.with_blocks(2).init(&device).fitted(w)
}

/// Features of two sentences, `[2, E]`.
fn features() -> Tensor<2> {
    let rows = [[1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.6, 0.0, 0.8, 0.0]];
    Tensor::from_floats(rows, &Device::flex())
}

fn values(x: Tensor<2>) -> Vec<f32> {
    x.into_data().iter().collect()
}

fn sampling(guidance: f64) -> FlowSampling {
    FlowSampling {
        guidance,
        ..FlowSampling::default()
    }
}

#[test]
fn a_seed_gives_the_same_bits_in_any_batch() {
    let (prior, sampling) = (prior(), FlowSampling::default());
    let alone = values(prior.sample(features(), &[7], sampling));
    let third = values(
        prior
            .sample(features(), &[1, 2, 7, 4], sampling)
            .narrow(0, 2, 1),
    );
    assert_eq!(alone, third);
    assert_ne!(alone, values(prior.sample(features(), &[8], sampling)));
}

#[test]
fn text_changes_a_sample_and_sentence_order_does_not() {
    let (prior, sampling) = (prior(), FlowSampling::default());
    let both = prior.sample(features(), &[1], sampling);
    let turned = prior.sample(features().flip([0]), &[1], sampling);
    let one = prior.sample(features().narrow(0, 0, 1), &[1], sampling);
    let tolerance = Tolerance::<f32>::absolute(1e-4);
    both.clone()
        .into_data()
        .assert_approx_eq(&turned.into_data(), tolerance);
    let change = (both - one).abs().max().into_scalar::<f32>();
    assert!(change > 1e-2, "{change}");
}

#[test]
fn without_guidance_text_has_no_effect() {
    let prior = prior();
    let noise = prior.noise(3);
    let condition = prior.condition(features().unsqueeze(), None);
    let unguided = prior.latents(noise.clone(), condition, sampling(0.0));
    let without_text = prior.unconditional_latents(noise, 24);
    unguided
        .into_data()
        .assert_approx_eq::<f32>(&without_text.into_data(), Tolerance::absolute(1e-4));
}

#[test]
fn inversion_recovers_the_noise() {
    let prior = prior();
    let noise = Tensor::cat((0..3).map(|seed| prior.noise(seed)).collect(), 0);
    let w = prior.unconditional_latents(noise.clone(), 24);
    prior
        .invert(w, 24)
        .into_data()
        .assert_approx_eq::<f32>(&noise.into_data(), Tolerance::absolute(1e-3));
}
