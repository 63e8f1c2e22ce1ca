//! Random latents of a generator.

use anyface::bundle::ZDistribution;
use anyface::stylegan2::Mapping;
use burn::tensor::{Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Random latents `w [N, D]`. `z` follows `z_distribution`.
pub(super) fn random_w(
    count: usize,
    mapping: &Mapping,
    z_distribution: ZDistribution,
    rng: &mut ChaCha8Rng,
) -> Tensor<2> {
    let device = mapping.w_avg.val().device();
    let z_dim = mapping.z_dim();
    let z: Vec<f32> = (0..count)
        .flat_map(|_| z_distribution.sample(z_dim, rng.random()))
        .collect();
    mapping.forward(Tensor::from_data(
        TensorData::new(z, [count, z_dim]),
        &device,
    ))
}
