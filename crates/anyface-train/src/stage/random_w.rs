//! Random faces of a generator whose `z` is normal.

use anyface::stylegan2::Mapping;
use burn::tensor::{Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Latents `[N, D]` of normal `z`.
pub(super) fn random_w(count: usize, mapping: &Mapping, rng: &mut ChaCha8Rng) -> Tensor<2> {
    let device = mapping.w_avg.val().device();
    let z_dim = mapping.z_dim();
    let z: Vec<f32> = StandardNormal
        .sample_iter(rng)
        .take(count * z_dim)
        .collect();
    mapping.forward(Tensor::from_data(
        TensorData::new(z, [count, z_dim]),
        &device,
    ))
}
