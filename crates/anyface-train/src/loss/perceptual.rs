use burn::tensor::Tensor;

/// Perceptual distance: the sum over scales of the mean over positions of `‖a/‖a‖ − b/‖b‖‖²`, for
/// features `[N, C, H, W]` of each scale. This is LPIPS without learned weights (Zhang et al. 2018,
/// arXiv 1801.03924).
pub fn perceptual_distance(output: &[Tensor<4>], target: &[Tensor<4>]) -> Tensor<1> {
    output
        .iter()
        .zip(target)
        .map(|(a, b)| {
            let dot = (a.clone() * b.clone()).sum_dim(1);
            let squares = a.clone().square().sum_dim(1) * b.clone().square().sum_dim(1);
            // ‖a/‖a‖ − b/‖b‖‖² = 2 − 2·cos.
            let cosine = dot / squares.clamp_min(1e-12).sqrt();
            (-cosine + 1.0).mean() * 2.0
        })
        .reduce(|sum, distance| sum + distance)
        .expect("there is at least one scale")
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn values_by_hand() {
        let device = Device::flex();
        let at = |values: [f32; 2]| Tensor::<1>::from_floats(values, &device).reshape([1, 2, 1, 1]);
        let distance = perceptual_distance(&[at([2.0, 0.0])], &[at([0.0, 5.0])]);
        assert_close(value(distance), 2.0);
        let same = perceptual_distance(&[at([2.0, 1.0])], &[at([4.0, 2.0])]);
        assert_close(value(same), 0.0);
    }

    #[test]
    fn gradients() {
        let target = [random([2, 3, 2, 2], 1)];
        assert_gradient(random([2, 3, 2, 2], 2), |x| {
            perceptual_distance(&[x], &target)
        });
    }
}
