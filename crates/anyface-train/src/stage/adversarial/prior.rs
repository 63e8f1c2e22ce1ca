//! The mapping network, fitted to the latents of all photographs once the generator no longer changes them (Ghosh et al. 2020,
//! arXiv 1903.12436): a random latent is then as likely as that of a photograph.

use anyface::inversion::Encoder;
use anyface::stylegan2::Mapping;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::reconstruction::found;
use crate::data::images::ImageSet;
use crate::loss::energy_distance;
use crate::progress::Progress;
use crate::stage::random_w::random_w;

/// Photographs whose latents are fitted, at most.
const PHOTOGRAPHS: usize = 16_384;
/// Photographs read at once.
const READ: usize = 64;
/// Latents of each kind in a step.
const BATCH: usize = 512;
/// Steps, one a photograph, at most.
const STEPS: usize = 3000;
/// Learning rate at first, where weights have the deviation 1/m of a learning-rate multiplier m; a fraction of 1/m.
const LEARNING_RATE: f64 = 2e-3;

/// The mapping network whose random latents are like those that `encoder` finds for photographs.
pub(super) fn fit(
    mapping: Mapping,
    lr_multiplier: f64,
    encoder: &Encoder,
    photographs: &ImageSet,
    seed: u64,
    device: &Device,
) -> Mapping {
    let latents = latents(encoder, photographs, device).autodiff();
    let [count, _] = latents.dims();
    let steps = count.min(STEPS);
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut optimizer: ModuleOptimizer = AdamConfig::new().with_beta_2(0.99).init();
    let mut mapping = mapping.train();
    let mut progress = Progress::new(0, steps as u64);
    for step in 0..steps {
        let places: Vec<i64> = (0..BATCH)
            .map(|_| rng.random_range(0..count) as i64)
            .collect();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &latents.device());
        let random = random_w(BATCH, &mapping, rng);
        let loss = energy_distance(random, latents.clone().select(0, places));
        let gradients = GradientsParams::from_grads(loss.backward(), &mapping);
        let rate = LEARNING_RATE / lr_multiplier * (1.0 - step as f64 / steps as f64);
        mapping = optimizer.step(ModuleLrScheduler::new(rate).step(), mapping, gradients);
        progress.show(step as u64 + 1, "steps of the prior");
    }
    mapping.valid()
}

/// What the encoder finds for photographs, `[N, D]`.
fn latents(encoder: &Encoder, photographs: &ImageSet, device: &Device) -> Tensor<2> {
    let places: Vec<usize> = (0..photographs.len().min(PHOTOGRAPHS)).collect();
    let read = places.chunks(READ).map(|places| {
        let found = found(encoder, photographs.images(places, device));
        found.narrow(1, 0, 1).squeeze_dim(1)
    });
    Tensor::cat(read.collect(), 0)
}
