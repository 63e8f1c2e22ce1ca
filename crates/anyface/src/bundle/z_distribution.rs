//! The distribution of a generator's latents.

use anyface_portraits::{Face, latent};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// The distribution of `z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ZDistribution {
    /// N(0, 1) in every dimension: public generators.
    Normal,
    /// The code of a random portrait: the built-in generator.
    Portraits,
}

impl ZDistribution {
    /// The latent of a seed, `[z_dim]`. Portrait codes have a fixed length and ignore `z_dim`.
    pub fn sample(self, z_dim: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        match self {
            Self::Normal => StandardNormal.sample_iter(&mut rng).take(z_dim).collect(),
            Self::Portraits => {
                let face = Face::from_latent(&latent::sample(&mut rng));
                face.code().to_vec()
            }
        }
    }
}
