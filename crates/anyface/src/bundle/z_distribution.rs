//! The distribution of a generator's latents.

use anyface_portraits::Face;
use anyface_portraits::latent::LATENT_DIM;
use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use crate::stylegan2::Mapping;

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
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let normals = StandardNormal.sample_iter(rng).take(self.normals(z_dim));
        self.decode(normals.collect())
    }

    /// The number of standard normals from which [`Self::decode`] makes a latent of `z_dim`
    /// entries.
    pub const fn normals(self, z_dim: usize) -> usize {
        match self {
            Self::Normal => z_dim,
            Self::Portraits => LATENT_DIM,
        }
    }

    /// Makes a latent from standard normals.
    ///
    /// # Panics
    /// For portraits, if there are not [`Self::normals`] of them.
    pub fn decode(self, normals: Vec<f32>) -> Vec<f32> {
        match self {
            Self::Normal => normals,
            Self::Portraits => {
                let normals: [f32; LATENT_DIM] = normals.try_into().expect("a portrait's normals");
                Face::from_latent(&normals).code().to_vec()
            }
        }
    }

    /// Latents `w [N, D]` of standard normals `[N, M]`, by the mapping network. M is
    /// [`Self::normals`].
    pub fn w(self, mapping: &Mapping, normals: Tensor<2>) -> Tensor<2> {
        let [count, width] = normals.dims();
        let device = normals.device();
        let values: Vec<f32> = normals.into_data().iter().collect();
        let rows = values.chunks(width);
        let z: Vec<f32> = rows.flat_map(|row| self.decode(row.to_vec())).collect();
        let shape = [count, z.len() / count];
        mapping.forward(Tensor::from_data(TensorData::new(z, shape), &device))
    }
}
