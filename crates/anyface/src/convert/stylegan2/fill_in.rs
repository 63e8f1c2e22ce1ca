//! Fills in what training checkpoints lack: the mean of `w`, and the constant noise.

use std::collections::BTreeMap;

use anyface_checkpoint::StoredTensor;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::stylegan2::GeneratorConfig;
use crate::weights::{WeightsError, load_module_tensors};

/// Seed of the random numbers.
pub(super) const SEED: u64 = 0;

/// Number of latents for the mean of `w`, as in NVIDIA's projector.
pub(super) const SAMPLES: usize = 10_000;

/// Latents mapped at once.
const BATCH: usize = 1000;

/// The mean `[D]` of `w` over [`SAMPLES`] random `z`. `tensors` are those of the whole generator,
/// with any mean.
pub(super) fn mean_w(
    config: &GeneratorConfig,
    tensors: &BTreeMap<String, StoredTensor>,
    source_name: &str,
) -> Result<StoredTensor, WeightsError> {
    let device = Device::flex();
    let generator = load_module_tensors(config.init(&device), tensors, source_name)?;
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut sum = Tensor::<1>::zeros([config.w_dim], &device);
    for _ in 0..SAMPLES / BATCH {
        let z: Vec<f32> = normal(&mut rng, BATCH * config.z_dim);
        let z = Tensor::from_data(TensorData::new(z, [BATCH, config.z_dim]), &device);
        sum = sum + generator.mapping.forward(z).sum_dim(0).squeeze_dim(0);
    }
    let mean: Vec<f32> = (sum / SAMPLES as f64).into_data().iter().collect();
    Ok(StoredTensor::from_f32(vec![config.w_dim], &mean))
}

/// A random noise map.
pub(super) fn noise(shape: &[usize], rng: &mut ChaCha8Rng) -> StoredTensor {
    StoredTensor::from_f32(shape.to_vec(), &normal(rng, shape.iter().product()))
}

fn normal(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    StandardNormal.sample_iter(rng).take(count).collect()
}
