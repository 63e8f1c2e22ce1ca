use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

/// Cross-modal distillation between the hidden features of the two streams, `[N, d]` each:
///
/// `L_CMD = ½ · [KL(softmax φ_t ‖ softmax φ_i) + KL(softmax φ_i ‖ softmax φ_t)]`, mean over the
/// batch.
///
/// AnyFace, equation 3, computed as the equal sum `½ Σ (p − q)(log p − log q)`.
pub fn cross_modal_distillation(text: Tensor<2>, image: Tensor<2>) -> Tensor<1> {
    let (log_p, log_q) = (log_softmax(text, 1), log_softmax(image, 1));
    let difference = log_p.clone().exp() - log_q.clone().exp();
    (difference * (log_p - log_q)).sum_dim(1).mean() * 0.5
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn value_by_hand() {
        // softmax: (¼, ¾) and (½, ½). KL = ¼ ln ½ + ¾ ln 3/2 and ½ ln 2 + ½ ln 2/3.
        let device = Device::flex();
        let text = Tensor::from_floats([[0.0, 3f32.ln()]], &device);
        let image = Tensor::from_floats([[1.0, 1.0]], &device);
        let forward = 0.25 * 0.5f32.ln() + 0.75 * 1.5f32.ln();
        let backward = 0.5 * 2f32.ln() + 0.5 * (2.0f32 / 3.0).ln();
        let loss = cross_modal_distillation(text, image);
        assert_close(value(loss), 0.5 * (forward + backward));
    }

    #[test]
    fn gradient_reaches_both_streams() {
        let (text, image) = (random([3, 5], 1), random([3, 5], 2));
        assert_gradient(text.clone(), |x| cross_modal_distillation(x, image.clone()));
        assert_gradient(image, |x| cross_modal_distillation(text.clone(), x));
    }
}
