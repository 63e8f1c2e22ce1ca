//! Wiener filter for changes of `w`.
//!
//! Faces vary in few dimensions of `W`. A text stream can raise the CLIP score by changes in other
//! dimensions, but the generator was not trained on them, so they show as blur.

use burn::tensor::{Tensor, TensorData};
use nalgebra::DMatrix;

use crate::mapper::principal_axes;

/// Variance at which half of a change is kept, relative to the largest variance.
const HALF: f64 = 0.03;

/// The Wiener filter `Σ(Σ + λI)⁻¹`, `[D, D]`, for latents with this `covariance [D, D]`. Multiplied
/// with changes `[…, D]` of `w`, it keeps them where faces vary and removes them elsewhere.
pub(super) fn wiener_filter(covariance: &Tensor<2>) -> Tensor<2> {
    let [dim, _] = covariance.dims();
    let (axes, variances) = principal_axes(covariance);
    let widest = variances.iter().copied().fold(0.0, f64::max);
    let half = HALF * widest + f64::MIN_POSITIVE;
    let kept = DMatrix::from_fn(dim, dim, |i, j| {
        let variance = variances[j].max(0.0);
        axes[(i, j)] * (variance / (variance + half))
    });
    let filter = kept * axes.transpose();
    let rows: Vec<f64> = (0..dim * dim)
        .map(|place| filter[(place / dim, place % dim)])
        .collect();
    Tensor::from_data(TensorData::new(rows, [dim, dim]), &covariance.device())
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tolerance};

    #[test]
    fn changes_are_kept_where_faces_vary() {
        let device = Device::flex();
        // Variance 8 along (1, 1), 0.24 along a third axis, and 0 along (1, −1).
        let covariance = Tensor::from_floats(
            [[4.0, 4.0, 0.0], [4.0, 4.0, 0.0], [0.0, 0.0, 0.24]],
            &device,
        );
        let changes = Tensor::<2>::from_floats(
            [[1.0, 1.0, 0.0], [1.0, -1.0, 0.0], [0.0, 0.0, 1.0]],
            &device,
        );
        let along = 8.0 / 8.24;
        let expected = Tensor::<2>::from_floats(
            [[along, along, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.5]],
            &device,
        );
        changes
            .matmul(wiener_filter(&covariance))
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-5));
    }
}
