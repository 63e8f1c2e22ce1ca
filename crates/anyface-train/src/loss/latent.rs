use burn::tensor::Tensor;

/// Latent reconstruction loss: `L_MSE = mean (w − w')²` over batch, layers and dimensions,
/// `[N, L, D]` each.
///
/// The paper sums over layers and dimensions. The mean keeps the loss independent of the
/// resolution.
pub fn latent_mse(target: Tensor<3>, predicted: Tensor<3>) -> Tensor<1> {
    (target - predicted).square().mean()
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn value_by_hand() {
        let device = Device::flex();
        let target = Tensor::from_floats([[[1.0, 2.0], [0.0, 0.0]]], &device);
        let predicted = Tensor::from_floats([[[0.0, 0.0], [0.0, 1.0]]], &device);
        assert_close(value(latent_mse(target, predicted)), 1.5);
    }

    #[test]
    fn gradient() {
        let target = random([2, 3, 2], 1);
        assert_gradient(random([2, 3, 2], 2), |x| latent_mse(target.clone(), x));
    }
}
