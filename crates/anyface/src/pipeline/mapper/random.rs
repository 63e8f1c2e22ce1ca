//! Random latents of the generator, without text.

use burn::tensor::{Tensor, TensorData};

use crate::bundle::{BundleConfig, Truncation, ZDistribution};
use crate::stylegan2::{Generator, Mapping, broadcast, truncate};

/// The mapping network of a generator and the distribution of its input.
#[derive(Debug)]
pub(super) struct RandomLatents {
    mapping: Mapping,
    /// Distribution of `z`, the input of the mapping network.
    z_distribution: ZDistribution,
    num_ws: usize,
}

impl RandomLatents {
    pub(super) fn new(config: &BundleConfig, generator: &Generator) -> Self {
        Self {
            mapping: generator.mapping.clone(),
            z_distribution: config.z_distribution,
            num_ws: config.generator.num_ws(),
        }
    }

    /// The latent of a seed, `[1, L, D]`.
    pub(super) fn w_plus(&self, seed: u64, truncation: Truncation) -> Tensor<3> {
        let z = self.z_distribution.sample(self.mapping.z_dim(), seed);
        let z = TensorData::new(z.clone(), [1, z.len()]);
        let w_avg = self.mapping.w_avg.val();
        let w = self.mapping.forward(Tensor::from_data(z, &w_avg.device()));
        let Truncation { psi, cutoff } = truncation;
        truncate(broadcast(w, self.num_ws), w_avg, psi, Some(cutoff))
    }
}
