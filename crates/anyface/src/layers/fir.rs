//! Resampling with the separable low-pass filter [1, 3, 3, 1]/4 per direction. Its gain is 2, since
//! every second sample of an upsampled signal is zero. Padding is zero. Reference: NVIDIA
//! `upfirdn2d`.

use burn::tensor::Tensor;

/// Upsamples `[N, C, H, W]` to `[N, C, 2H, 2W]` (zero insertion, padding (2, 1), filter).
pub fn upsample_2x(x: Tensor<4>) -> Tensor<4> {
    upsample_axis(upsample_axis(x, 2), 3)
}

/// Sample `i` becomes `(x[i−1] + 3·x[i])/4` and `(3·x[i] + x[i+1])/4`.
fn upsample_axis(x: Tensor<4>, axis: usize) -> Tensor<4> {
    let mut dims = x.dims();
    let length = dims[axis];
    let padded = pad_axis(x.clone(), axis, 1);
    let x = x * 0.75;
    let even = padded.clone().narrow(axis, 0, length) * 0.25 + x.clone();
    let odd = padded.narrow(axis, 2, length) * 0.25 + x;
    dims[axis] = 2 * length;
    Tensor::stack::<5>(vec![even, odd], axis + 1).reshape(dims)
}

/// Low-pass after a stride-2 transposed convolution: `[N, C, 2H + 1, 2W + 1]` to `[N, C, 2H, 2W]`
/// (padding (1, 1)).
pub(super) fn smooth(x: Tensor<4>) -> Tensor<4> {
    smooth_axis(smooth_axis(x, 2), 3)
}

/// `(x[i−1] + 3·x[i] + 3·x[i+1] + x[i+2])/4`.
fn smooth_axis(x: Tensor<4>, axis: usize) -> Tensor<4> {
    let length = x.dims()[axis] - 1;
    let padded = pad_axis(x, axis, 1);
    let tap = |i: usize| padded.clone().narrow(axis, i, length);
    (tap(0) + tap(3)) * 0.25 + (tap(1) + tap(2)) * 0.75
}

fn pad_axis(x: Tensor<4>, axis: usize, margin: usize) -> Tensor<4> {
    let mut padding = [(0, 0); 4];
    padding[axis] = (margin, margin);
    x.pad(padding, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn row(values: &[f32]) -> Tensor<4> {
        Tensor::<1>::from_floats(values, &Device::flex()).reshape([1, 1, 1, values.len()])
    }

    fn values(x: Tensor<4>) -> Vec<f32> {
        x.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn an_impulse_becomes_the_filter() {
        let up = upsample_axis(row(&[0.0, 4.0, 0.0]), 3);
        assert_eq!(values(up), [0.0, 1.0, 3.0, 3.0, 1.0, 0.0]);
        let smoothed = smooth_axis(row(&[0.0, 0.0, 4.0, 0.0, 0.0]), 3);
        assert_eq!(values(smoothed), [1.0, 3.0, 3.0, 1.0]);
    }

    #[test]
    fn a_flat_image_stays_flat_inside() {
        let up = upsample_2x(Tensor::ones([1, 2, 5, 5], &Device::flex()));
        assert_eq!(up.dims(), [1, 2, 10, 10]);
        let inside = values(up.narrow(2, 1, 8).narrow(3, 1, 8));
        assert!(inside.iter().all(|v| (v - 1.0).abs() < 1e-6));
    }
}
