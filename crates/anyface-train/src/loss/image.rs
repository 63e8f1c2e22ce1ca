use anyface::layers::halve;
use burn::tensor::Tensor;

/// Mean absolute difference of two batches of images `[N, C, H, W]` or latents `[N, L, D]`.
pub fn l1<const D: usize>(output: Tensor<D>, target: Tensor<D>) -> Tensor<1> {
    (output - target).abs().mean()
}

/// L1 between the Laplacian pyramids of two batches of images, `[N, C, H, W]` each: the sum of the
/// mean absolute differences of all bands and of the remaining low-pass image (Bojanowski et al.
/// 2018, equation 2, with a box filter). H and W must be divisible by `2^levels`.
///
/// All bands have the same weight. A shift of a large area costs as much as noise on every pixel.
pub fn laplacian_pyramid_l1(output: Tensor<4>, target: Tensor<4>, levels: usize) -> Tensor<1> {
    // The pyramid is linear, so the pyramid of the difference is the difference of the pyramids.
    let mut image = output - target;
    let mut loss = Tensor::zeros([1], &image.device());
    for _ in 0..levels {
        let smaller = halve(image.clone());
        let band = image - double(smaller.clone());
        loss = loss + band.abs().mean();
        image = smaller;
    }
    loss + image.abs().mean()
}

/// Checks that an image of `side` pixels can be halved `levels` times.
///
/// # Errors
/// Names the field `pyramid_levels` of `[learning]`.
pub fn check_pyramid(levels: usize, side: usize) -> Result<(), String> {
    match levels <= side.trailing_zeros() as usize {
        true => Ok(()),
        false => Err(format!(
            "[learning] `pyramid_levels` is {levels}: {side} pixels cannot be halved that often"
        )),
    }
}

/// Repeats every pixel twice in both directions: `[N, C, H, W]` → `[N, C, 2H, 2W]`.
fn double(image: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = image.dims();
    image
        .reshape([n, c, h, 1, w, 1])
        .expand([n, c, h, 2, w, 2])
        .reshape([n, c, 2 * h, 2 * w])
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    fn pair() -> (Tensor<4>, Tensor<4>) {
        let device = Device::flex();
        let output = Tensor::from_floats([[[[1.0, 0.0], [3.0, 4.0]]]], &device);
        (output, Tensor::zeros([1, 1, 2, 2], &device))
    }

    #[test]
    fn values_by_hand() {
        let (output, target) = pair();
        assert_close(value(l1(output.clone(), target.clone())), 2.0);
        // The band is (−1, −2, 1, 2). The low-pass image is the mean, 2.
        assert_close(value(laplacian_pyramid_l1(output, target, 1)), 1.5 + 2.0);
    }

    #[test]
    fn gradients() {
        let (output, target) = (random([1, 2, 4, 4], 1), random([1, 2, 4, 4], 2));
        assert_gradient(output.clone(), |x| l1(x, target.clone()));
        assert_gradient(output, |x| laplacian_pyramid_l1(x, target.clone(), 2));
    }
}
