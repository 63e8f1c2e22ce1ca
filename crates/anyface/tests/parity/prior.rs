//! Parity with clip2latent on dalle2-pytorch 0.2.38: a random network in the trainer's file format.

use burn::tensor::Tensor;

use crate::fixture::{Fixture, fixture};
use anyface::checkpoint::Checkpoint;
use anyface::convert::{Kind, convert};
use anyface::prior::{Prior, PriorConfig, Sampling};
use anyface::stylegan2::broadcast;

const TOLERANCE: f32 = 1e-5;

/// The network of the file, and its expected output.
fn load() -> (Prior, Fixture) {
    let file = Checkpoint::open(&fixture("checkpoints/clip2latent_prior.ckpt")).unwrap();
    let converted = convert(&file).unwrap();
    assert_eq!(converted.kind, Kind::Clip2latent);
    let network = &converted.networks[0];
    let config: PriorConfig = serde_json::from_value(network.config.clone()).unwrap();
    assert_eq!(config, PriorConfig::new(48, 2, 3));
    let expected = Fixture::open(&fixture("clip2latent_prior.io.safetensors"));
    let prior = network.load(config.init(&expected.device)).unwrap();
    (prior, expected)
}

#[test]
fn predictions_equal_the_reference() {
    let (prior, expected) = load();
    let times = expected.ints("t");
    for (name, sees_words) in [("cond", true), ("null", false)] {
        let rows = times.iter().enumerate().map(|(row, &time)| {
            let of = |name| expected.get::<2>(name).narrow(0, row, 1);
            prior
                .net
                .forward(of("x"), time as usize, of("e"), sees_words)
        });
        expected.check(name, Tensor::cat(rows.collect(), 0), TOLERANCE);
    }
}

#[test]
fn samples_equal_the_reference() {
    let (prior, expected) = load();
    let noise = expected.get::<3>("noise").narrow(0, 0, 4);
    for (name, psi) in [
        ("sample_skip250_guidance2", 1.0),
        ("sample_skip250_guidance2_psi0.7", 0.7),
    ] {
        let sampling = Sampling::default();
        let w = prior.sample(expected.get("e"), noise.clone(), &sampling, psi);
        expected.check(name, broadcast(w, 10), TOLERANCE);
    }
}
