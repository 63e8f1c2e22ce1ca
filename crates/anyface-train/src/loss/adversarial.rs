use burn::tensor::Tensor;

/// Hinge loss of the discriminator: `mean max(1 + D(G(z)), 0) + mean max(1 − D(x), 0)` (Lim and Ye
/// 2017, arXiv 1705.02894). `drawn` and `real` are logits `[N, 1]`. The loss of the generator is
/// `−mean D(G(z))`.
pub fn hinge_discriminator_loss(drawn: Tensor<2>, real: Tensor<2>) -> Tensor<1> {
    (drawn + 1.0).clamp_min(0.0).mean() + (-real + 1.0).clamp_min(0.0).mean()
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    fn logits<const N: usize>(values: [f32; N]) -> Tensor<2> {
        Tensor::<1>::from_floats(values, &Device::flex().autodiff()).reshape([N, 1])
    }

    #[test]
    fn the_margin_is_one() {
        let loss = hinge_discriminator_loss(logits([-2.0, 0.5]), logits([3.0, 0.0]));
        assert_close(value(loss), 1.5 / 2.0 + 1.0 / 2.0);
    }

    #[test]
    fn gradients() {
        let other = random([3, 1], 1);
        assert_gradient(random([3, 1], 3), |x| {
            hinge_discriminator_loss(x, other.clone())
        });
        assert_gradient(random([3, 1], 4), |x| {
            hinge_discriminator_loss(other.clone(), x)
        });
    }
}
