//! What of a change faces vary in.
//!
//! Faces lie in few of the dimensions of `W`. What a text stream changes beside them pleases an image tower, but no generator
//! learned to draw it: it shows as blur.

use burn::tensor::{Tensor, TensorData};
use nalgebra::DMatrix;

use crate::mapper::principal_axes;

/// The variance of which half a change is kept, as a part of that along the widest axis.
const HALF: f64 = 0.03;

/// What changes `[…, D]` of `w` are multiplied by, `[D, D]`, for latents of this `covariance [D, D]`: Wiener's filter `Σ(Σ + λI)⁻¹`,
/// which keeps a change where faces vary and drops it where they do not.
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
    fn changes_stay_where_faces_vary() {
        let device = Device::flex();
        // A variance of 8 along (1, 1), of 0.24 along a third axis, and none across.
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
