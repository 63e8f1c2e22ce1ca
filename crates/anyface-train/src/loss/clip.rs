use burn::tensor::Tensor;

use super::cosine;

/// CLIP loss of matched pairs, mean over the batch: `L_CLIP = 1 − cos(f_image, f_text)`. Features
/// are `[N, E]` each and need no normalisation.
pub fn clip_loss(image: Tensor<2>, text: Tensor<2>) -> Tensor<1> {
    cosine(image, text).neg().mean() + 1.0
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn value_by_hand() {
        // Cosines 1 and 0.6.
        let device = Device::flex();
        let image = Tensor::from_floats([[2.0, 0.0], [3.0, 4.0]], &device);
        let text = Tensor::from_floats([[5.0, 0.0], [2.0, 0.0]], &device);
        assert_close(value(clip_loss(image, text)), 0.2);
    }

    #[test]
    fn gradient_of_the_image() {
        let text = random([3, 4], 1);
        assert_gradient(random([3, 4], 2), |image| clip_loss(image, text.clone()));
    }
}
