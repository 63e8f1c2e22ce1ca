//! What the latents of random faces are drawn from, where an encoder says what those of photographs are: a normal distribution of the
//! same mean and covariance, so that a random latent is as likely as that of a photograph (Ghosh et al. 2020, arXiv 1903.12436).
//!
//! Photographs lie in few of the dimensions of `W`. What lies beside them, as any layer with a leaky ReLU would draw it, shows as
//! marbled faces.

use anyface::inversion::Encoder;
use anyface::stylegan2::Mapping;
use burn::tensor::{Tensor, TensorData};

use super::reconstruction::found;
use crate::data::images::ImageSet;
use crate::eval::frechet::Gaussian;

/// Photographs whose latents are fitted, at most.
const PHOTOGRAPHS: usize = 8192;
/// Photographs read at once.
const READ: usize = 64;

/// The mapping network, of one linear layer, whose random latents are like those that `encoder` finds for photographs.
pub(super) fn fit(mut mapping: Mapping, encoder: &Encoder, photographs: &ImageSet) -> Mapping {
    let latents = Gaussian::of(&latents(&mapping, encoder, photographs));
    let device = mapping.w_avg.val().device();
    let dim = latents.mean().len();
    let mean = Tensor::from_data(latents.mean(), &device);
    let root = TensorData::new(latents.root(), [dim, dim]);
    mapping.draw_normal(mean, Tensor::from_data(root, &device));
    mapping
}

/// What the encoder finds for photographs, `[D]` each.
fn latents(mapping: &Mapping, encoder: &Encoder, photographs: &ImageSet) -> Vec<Vec<f64>> {
    let device = mapping.w_avg.val().device();
    let places: Vec<usize> = (0..photographs.len().min(PHOTOGRAPHS)).collect();
    let mut latents = Vec::with_capacity(places.len());
    for places in places.chunks(READ) {
        let found = found(encoder, photographs.images(places, &device)).narrow(1, 0, 1);
        let values: Vec<f64> = found.squeeze_dim::<2>(1).into_data().iter().collect();
        latents.extend(values.chunks(mapping.w_avg.dims()[0]).map(<[f64]>::to_vec));
    }
    latents
}
