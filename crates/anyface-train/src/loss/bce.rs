use burn::tensor::Tensor;

use super::softplus;

/// Binary cross-entropy of attributes, `[N, A]` each, mean over the known attributes:
///
/// `Σ k · (softplus(x) − x·y) / Σ k` with logits `x`, labels `y` in {0, 1} and mask `k`: 1 where
/// the attribute is known, 0 elsewhere.
pub fn masked_bce(logits: Tensor<2>, labels: Tensor<2>, known: Tensor<2>) -> Tensor<1> {
    let losses = softplus(logits.clone()) - logits * labels;
    (losses * known.clone()).sum() / known.sum().clamp_min(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn value_by_hand() {
        // The third attribute is unknown; 1000 must not overflow.
        let device = Device::flex();
        let logits = Tensor::from_floats([[0.0, 2.0, -3.0], [1000.0, -1.0, 5.0]], &device);
        let labels = Tensor::from_floats([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]], &device);
        let known = Tensor::from_floats([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]], &device);
        let softplus = |x: f32| x.exp().ln_1p();
        let expected = (2f32.ln() + softplus(2.0) + 0.0 + softplus(-1.0)) / 4.0;
        assert_close(value(masked_bce(logits, labels, known)), expected);
    }

    #[test]
    fn gradient() {
        let labels = random([3, 4], 1).greater_elem(0.0).float();
        let known = random([3, 4], 2).greater_elem(0.0).float();
        assert_gradient(random([3, 4], 3), |x| {
            masked_bce(x, labels.clone(), known.clone())
        });
    }
}
