//! Training samples of the prior: latents of random faces and their image features.

use anyface::bundle::BundleConfig;
use anyface::layers::l2_normalize;
use anyface::stylegan2::{Generator, PreparedSynthesis, broadcast};
use burn::tensor::{Int, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::progress::Progress;
use crate::stage::image_features::ImageFeatures;
use crate::stage::random_w::random_w;

/// Latents and the image features of their pictures.
pub(super) struct Samples {
    /// Latents `[P, D]`.
    pub(super) w: Tensor<2>,
    /// Image features `[P, D]`, not normalised.
    pub(super) features: Tensor<2>,
}

impl Samples {
    /// Draws faces of random latents, one at a time.
    pub(super) fn draw(
        count: usize,
        seed: u64,
        bundle: &BundleConfig,
        generator: &Generator,
        synthesis: &PreparedSynthesis,
        image_features: &ImageFeatures,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let w = random_w(count, &generator.mapping, bundle.z_distribution, &mut rng);
        let num_ws = bundle.generator.num_ws();
        let mut progress = Progress::new(0, count as u64);
        let features = (0..count).map(|face| {
            let w_plus = broadcast(w.clone().narrow(0, face, 1), num_ws);
            let picture = synthesis.forward(w_plus, bundle.noise.noise());
            progress.show(face as u64 + 1, "faces drawn");
            image_features.forward(picture)
        });
        let features = Tensor::cat(features.collect(), 0);
        Self { w, features }
    }

    /// Mean norm of the features.
    pub(super) fn feature_length(&self) -> f64 {
        let squares = self.features.clone().square().sum_dim(1);
        squares.sqrt().mean().into_scalar::<f64>()
    }

    /// Latents and features `[N, D]` of the faces at `places`.
    pub(super) fn at(&self, places: &[usize]) -> [Tensor<2>; 2] {
        let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &self.w.device());
        [&self.w, &self.features].map(|rows| rows.clone().select(0, places.clone()))
    }

    /// Random indices of faces.
    pub(super) fn random_places(&self, count: usize, rng: &mut ChaCha8Rng) -> Vec<usize> {
        let [faces, _] = self.w.dims();
        (0..count).map(|_| rng.random_range(0..faces)).collect()
    }
}

/// Adds noise to image features `[N, E]` to make them similar to text features:
/// `|e|·unit(unit(e) + strength·unit(noise))` (`Text2LatentDataset` of the reference
/// implementation).
pub(super) fn text_like(features: Tensor<2>, strength: f64, rng: &mut ChaCha8Rng) -> Tensor<2> {
    let length = features.clone().square().sum_dim(1).sqrt();
    let noise = l2_normalize(normal(features.dims(), rng, &features));
    l2_normalize(l2_normalize(features) + noise * strength) * length
}

/// Standard normal noise on the device of `like`.
pub(super) fn normal(shape: [usize; 2], rng: &mut ChaCha8Rng, like: &Tensor<2>) -> Tensor<2> {
    let values = StandardNormal.sample_iter(rng).take(shape[0] * shape[1]);
    let values = TensorData::new(values.collect::<Vec<f32>>(), shape);
    Tensor::from_data(values, &like.device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn noise_changes_the_direction_and_keeps_the_norm() {
        let device = Device::flex();
        let features = Tensor::<2>::from_floats([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]], &device);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let noised = text_like(features.clone(), 1.0, &mut rng);
        let lengths = noised.clone().square().sum_dim(1).sqrt();
        let lengths: Vec<f32> = lengths.into_data().iter().collect();
        assert!((lengths[0] - 5.0).abs() < 1e-5 && (lengths[1] - 2.0).abs() < 1e-5);
        let cosine = (l2_normalize(features.clone()) * l2_normalize(noised)).sum_dim(1);
        assert!(cosine.max().into_scalar::<f32>() < 0.99);
        let kept = text_like(features.clone(), 0.0, &mut rng) - features;
        assert!(kept.abs().max().into_scalar::<f32>() < 1e-5);
    }
}
