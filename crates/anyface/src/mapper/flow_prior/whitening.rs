//! Whitening of latents.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use nalgebra::DMatrix;

/// Smallest variance along an axis, relative to the largest, so that whitening does not amplify
/// directions in which faces hardly vary.
const LEAST_VARIANCE: f64 = 1e-4;

/// Mean and covariance of `w`, as buffers without gradient.
#[derive(Module, Debug)]
pub(super) struct Whitening {
    /// `[D]`.
    mean: Param<Tensor<1>>,
    /// Principal axes of `w` as rows, each scaled to the standard deviation along it, `[D, D]`.
    axes: Param<Tensor<2>>,
}

impl Whitening {
    /// The identity.
    pub(super) fn identity(latent_dim: usize, device: &Device) -> Self {
        Self {
            mean: Initializer::Zeros
                .init([latent_dim], device)
                .set_require_grad(false),
            axes: Param::from_tensor(Tensor::eye(latent_dim, device)).set_require_grad(false),
        }
    }

    /// Whitening of latents `[N, D]`, N at least 2.
    pub(super) fn fitted(self, w: Tensor<2>) -> Self {
        let [count, latent_dim] = w.dims();
        let mean = w.clone().mean_dim(0);
        let centered = w - mean.clone();
        let covariance = centered.clone().transpose().matmul(centered) / (count - 1) as f64;
        let (directions, variances) = principal_axes(&covariance);
        let widest = variances.iter().copied().fold(0.0, f64::max);
        let least = LEAST_VARIANCE * widest + f64::MIN_POSITIVE;
        let rows: Vec<f64> = (0..latent_dim * latent_dim)
            .map(|place| {
                let (axis, dim) = (place / latent_dim, place % latent_dim);
                directions[(dim, axis)] * variances[axis].max(least).sqrt()
            })
            .collect();
        let device = self.mean.device();
        let axes = Tensor::from_data(TensorData::new(rows, [latent_dim, latent_dim]), &device);
        let mean = Tensor::from_data(mean.squeeze_dim::<1>(0).into_data(), &device);
        Self {
            mean: self.mean.map(|_| mean),
            axes: self.axes.map(|_| axes),
        }
    }

    /// Whitens latents `[N, D]`.
    pub(super) fn whiten(&self, w: Tensor<2>) -> Tensor<2> {
        let axes = self.axes.val();
        let variances = axes.clone().square().sum_dim(1).transpose();
        (w - self.mean.val().unsqueeze()).matmul(axes.transpose()) / variances
    }

    /// Inverse of [`Whitening::whiten`].
    pub(super) fn color(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.axes.val()) + self.mean.val().unsqueeze()
    }
}

/// The principal axes of a covariance `[D, D]` as columns, and the variances along them, ascending.
///
/// # Panics
/// If a value is not finite.
pub(crate) fn principal_axes(covariance: &Tensor<2>) -> (DMatrix<f64>, Vec<f64>) {
    let [dim, _] = covariance.dims();
    let values: Vec<f64> = covariance.to_data().iter().collect();
    // The eigenvalue solver would not terminate.
    assert!(
        values.iter().all(|x| x.is_finite()),
        "the covariance is finite"
    );
    let eigen = DMatrix::from_row_slice(dim, dim, &values).symmetric_eigen();
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[a].total_cmp(&eigen.eigenvalues[b]));
    let axes = DMatrix::from_fn(dim, dim, |i, j| eigen.eigenvectors[(i, order[j])]);
    let variances = order.iter().map(|&place| eigen.eigenvalues[place]);
    (axes, variances.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    /// Latents `[500, 3]` that vary most along (1, 1, 0), and not at all along (1, −1, 0).
    fn latents() -> Tensor<2> {
        let device = Device::flex();
        device.seed(1);
        let x = Tensor::random([500, 2], Distribution::Normal(0.0, 1.0), &device);
        let axes = Tensor::from_floats([[3.0, 3.0, 0.0], [0.0, 0.0, 0.5]], &device);
        x.matmul(axes) + Tensor::<1>::from_floats([1.0, 2.0, 3.0], &device).unsqueeze()
    }

    #[test]
    fn whitened_latents_have_no_mean_and_unit_variance_where_faces_vary() {
        let whitening = Whitening::identity(3, &Device::flex()).fitted(latents());
        let x = whitening.whiten(latents());
        let mean: Vec<f32> = x.clone().mean_dim(0).into_data().iter().collect();
        assert!(mean.iter().all(|mean| mean.abs() < 1e-3), "{mean:?}");
        let covariance = x.clone().transpose().matmul(x) / 499.0;
        let expected = Tensor::<2>::from_floats(
            [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            &Device::flex(),
        );
        covariance
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-2));
    }

    #[test]
    fn coloring_undoes_whitening() {
        let whitening = Whitening::identity(3, &Device::flex()).fitted(latents());
        let again = whitening.color(whitening.whiten(latents()));
        again
            .into_data()
            .assert_approx_eq::<f32>(&latents().into_data(), Tolerance::absolute(1e-3));
    }
}
