use burn::tensor::Tensor;

use super::softplus;

/// Loss of the generator from the discriminator's logits of what it drew, `[N, 1]`: non-saturating,
/// `mean softplus(−D(G(z)))` (Goodfellow et al. 2014, arXiv 1406.2661).
pub fn generator_loss(drawn: Tensor<2>) -> Tensor<1> {
    softplus(-drawn).mean()
}

/// Loss of the discriminator: `mean softplus(D(G(z))) + mean softplus(−D(x))`.
pub fn discriminator_loss(drawn: Tensor<2>, real: Tensor<2>) -> Tensor<1> {
    softplus(drawn).mean() + softplus(-real).mean()
}

/// Hinge loss of the discriminator: `mean max(1 + D(G(z)), 0) + mean max(1 − D(x), 0)` (Lim and Ye 2017, arXiv
/// 1705.02894). The generator's is `−mean D(G(z))`.
pub fn hinge_discriminator_loss(drawn: Tensor<2>, real: Tensor<2>) -> Tensor<1> {
    (drawn + 1.0).clamp_min(0.0).mean() + (-real + 1.0).clamp_min(0.0).mean()
}

/// R1 (Mescheder et al. 2018, arXiv 1801.04406) without a second derivative: `γ/2 · mean (D(x + σn) − D(x))²/σ²`, whose
/// mean over normal noise n tends to `γ/2 · mean ‖∇D(x)‖²` as σ falls.
pub fn approximate_r1(real: Tensor<2>, moved: Tensor<2>, sigma: f64, gamma: f64) -> Tensor<1> {
    ((moved - real) / sigma).square().mean() * (gamma / 2.0)
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
    fn values_by_hand() {
        let softplus = |x: f32| x.exp().ln_1p();
        let drawn = logits([0.0, 3.0]);
        assert_close(
            value(generator_loss(drawn.clone())),
            (2f32.ln() + softplus(-3.0)) / 2.0,
        );
        let expected = (2f32.ln() + softplus(3.0)) / 2.0 + 0.0;
        assert_close(
            value(discriminator_loss(drawn, logits([1000.0, 1000.0]))),
            expected,
        );
        let r1 = approximate_r1(logits([1.0, 2.0]), logits([1.1, 2.0]), 0.05, 3.0);
        assert_close(value(r1), 1.5 * 4.0 / 2.0);
    }

    #[test]
    fn the_hinge_ends_at_a_margin_of_one() {
        let loss = hinge_discriminator_loss(logits([-2.0, 0.5]), logits([3.0, 0.0]));
        assert_close(value(loss), 1.5 / 2.0 + 1.0 / 2.0);
    }

    #[test]
    fn gradients() {
        let other = random([3, 1], 1);
        assert_gradient(random([3, 1], 2), generator_loss);
        assert_gradient(random([3, 1], 3), |x| discriminator_loss(x, other.clone()));
        assert_gradient(random([3, 1], 4), |x| discriminator_loss(other.clone(), x));
        assert_gradient(random([3, 1], 5), |x| {
            approximate_r1(x, other.clone(), 1.0, 1.0)
        });
    }
}
