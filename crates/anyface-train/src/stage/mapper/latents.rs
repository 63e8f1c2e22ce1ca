//! Latent pairs that teach the text stream which changes a text makes.

use anyface::bundle::ZDistribution;
use anyface::stylegan2::Mapping;
use anyface_portraits::latent::{LATENT_DIM, adjust, latent_dims, sample};
use burn::tensor::{Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

use super::directions::Directions;
use crate::data::portraits::codes;
use crate::stage::described::{Said, SaidOfFace};
use crate::stage::random_w::random_w;

type Z = [f32; LATENT_DIM];

/// How attributes change the latents of a domain.
pub(super) enum Latents {
    /// In the latent of the renderer. The mapping network then maps its code to `w`.
    Rendered,
    /// In `w`, along directions fitted to a probe.
    Seen(Box<Directions>),
}

impl Latents {
    /// Two batches of latents `[N, D]`: latents that need not match the statements about the faces,
    /// and the same with the smallest change that matches them.
    pub(super) fn pairs(
        &self,
        faces: &[SaidOfFace],
        mapping: &Mapping,
        rng: &mut ChaCha8Rng,
    ) -> [Tensor<2>; 2] {
        let device = mapping.w_avg.val().device();
        match self {
            Self::Rendered => {
                let seeded: Vec<_> = faces.iter().map(|face| (face, rng.random())).collect();
                let pairs = seeded.into_par_iter();
                let pairs = pairs.map(|(face, seed)| redraw(face.z, &face.drawn, seed));
                let (redrawn, adjusted): (Vec<Z>, Vec<Z>) = pairs.unzip();
                [redrawn, adjusted].map(|z| mapping.forward(codes(&z, &device)))
            }
            Self::Seen(directions) => {
                let w = random_w(faces.len(), mapping, ZDistribution::Normal, rng);
                let adjusted = directions.adjust(&rows(&w), faces.iter().map(|face| &face.drawn));
                let shape = w.dims();
                let adjusted = TensorData::new(adjusted.concat(), shape);
                [w, Tensor::from_data(adjusted, &device)]
            }
        }
    }
}

/// Resamples all dimensions of a latent that the statements depend on, so that the text stream must
/// get them from the text. Returns this latent, and the latent adjusted to the statements.
fn redraw(z: Option<Z>, said: &Said, seed: u64) -> (Z, Z) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let z = z.unwrap_or_else(|| sample(&mut rng));
    let mut redrawn = z;
    for &(attribute, _) in said {
        for &dim in latent_dims(attribute) {
            redrawn[dim] = StandardNormal.sample(&mut rng);
        }
    }
    let adjusted = adjust(&redrawn, said, &mut rng).unwrap_or(z);
    (redrawn, adjusted)
}

/// The rows of a matrix.
pub(super) fn rows(x: &Tensor<2>) -> Vec<Vec<f32>> {
    let [_, width] = x.dims();
    let values: Vec<f32> = x.to_data().iter().collect();
    values.chunks(width).map(<[f32]>::to_vec).collect()
}
