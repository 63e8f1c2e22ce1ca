//! Losses. Each is a pure function of tensors that returns a scalar `[1]`.

mod adversarial;
mod attribute;
mod bce;
mod clip;
mod cmd;
mod contrastive;
mod diffusion;
mod diverse_triplet;
mod flow_matching;
mod image;
mod latent;
mod perceptual;

pub use adversarial::hinge_discriminator_loss;
pub use attribute::{AttributeLosses, attribute_losses};
pub use bce::masked_bce;
pub use clip::clip_loss;
pub use cmd::cross_modal_distillation;
pub use contrastive::contrastive;
pub use diffusion::diffusion;
pub use diverse_triplet::{DiverseTriplet, diverse_triplet};
pub use flow_matching::flow_matching;
pub use image::{check_pyramid, l1, laplacian_pyramid_l1};
pub use latent::latent_mse;
pub use perceptual::perceptual_distance;

use burn::tensor::Tensor;

/// Cosine similarity over the last dimension: `[…, D]` and `[…, D]` to `[…, 1]`.
fn cosine<const R: usize>(a: Tensor<R>, b: Tensor<R>) -> Tensor<R> {
    let dot = (a.clone() * b.clone()).sum_dim(R - 1);
    let squares = a.square().sum_dim(R - 1) * b.square().sum_dim(R - 1);
    dot / squares.clamp_min(1e-12).sqrt()
}

/// `ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)`, which does not overflow.
fn softplus(x: Tensor<2>) -> Tensor<2> {
    x.clone().clamp_min(0.0) + x.abs().neg().exp().log1p()
}

#[cfg(test)]
mod check {
    //! Checks of the values and gradients of losses.

    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Uniform values in [−1, 1).
    pub(super) fn random<const R: usize>(shape: [usize; R], seed: u64) -> Tensor<R> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| rng.random_range(-1.0..1.0))
            .collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff())
    }

    pub(super) fn value(loss: Tensor<1>) -> f32 {
        loss.into_scalar::<f32>()
    }

    pub(super) fn assert_close(actual: f32, expected: f32) {
        assert!(
            (actual - expected).abs() <= 1e-5 * expected.abs().max(1.0),
            "{actual} is not {expected}"
        );
    }

    /// Compares the gradient of `loss` at `x` with central differences.
    pub(super) fn assert_gradient<const R: usize>(
        x: Tensor<R>,
        loss: impl Fn(Tensor<R>) -> Tensor<1>,
    ) {
        const STEP: f32 = 2e-3;
        let x = x.require_grad();
        let gradients = loss(x.clone()).backward();
        let gradient: Vec<f32> = x
            .grad(&gradients)
            .expect("the input has a gradient")
            .into_data()
            .iter()
            .collect();
        let values: Vec<f32> = x.to_data().iter().collect();
        for (i, &analytic) in gradient.iter().enumerate() {
            let at = |offset: f32| {
                let mut moved = values.clone();
                moved[i] += offset;
                value(loss(Tensor::from_data(
                    TensorData::new(moved, x.shape()),
                    &x.device(),
                )))
            };
            let numeric = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            assert!(
                (numeric - analytic).abs() <= 2e-3 + 0.02 * analytic.abs(),
                "element {i}: the gradient is {analytic}, finite differences give {numeric}"
            );
        }
    }
}
