use anyface::layers::l2_normalize;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor};

/// Symmetric InfoNCE of CLIP (Radford et al. 2021, figure 3) over a batch of matched pairs:
///
/// `½ · [CE(s · f_i f_tᵀ) + CE(s · f_t f_iᵀ)]`, where the diagonal holds the matched pairs.
/// Features `[N, E]` are normalised here. `s = exp(log_scale)`, `log_scale` `[1]`.
pub fn contrastive(image: Tensor<2>, text: Tensor<2>, log_scale: Tensor<1>) -> Tensor<1> {
    let n = image.dims()[0];
    let similarity = l2_normalize(image).matmul(l2_normalize(text).transpose());
    let logits = similarity * log_scale.exp().unsqueeze();
    let diagonal = Tensor::<1, Int>::arange(0..n as i64, &logits.device()).reshape([n, 1]);
    let cross_entropy = |logits| {
        log_softmax(logits, 1)
            .gather(1, diagonal.clone())
            .mean()
            .neg()
    };
    (cross_entropy(logits.clone()) + cross_entropy(logits.transpose())) * 0.5
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn value_by_hand() {
        // Similarities [[1, 0], [0.6, 0.8]], scale 2.
        let device = Device::flex();
        let image = Tensor::from_floats([[3.0, 0.0], [3.0, 4.0]], &device);
        let text = Tensor::from_floats([[1.0, 0.0], [0.0, 7.0]], &device);
        let scale = Tensor::from_floats([2f32.ln()], &device);
        let loss = |truth: f32, other: f32| (truth.exp() + other.exp()).ln() - truth;
        let rows = (loss(2.0, 0.0) + loss(1.6, 1.2)) / 2.0;
        let columns = (loss(2.0, 1.2) + loss(1.6, 0.0)) / 2.0;
        assert_close(
            value(contrastive(image, text, scale)),
            (rows + columns) / 2.0,
        );
    }

    #[test]
    fn gradients() {
        let (image, text, scale) = (random([3, 4], 1), random([3, 4], 2), random([1], 3));
        assert_gradient(image.clone(), |x| {
            contrastive(x, text.clone(), scale.clone())
        });
        assert_gradient(scale.clone(), |x| {
            contrastive(image.clone(), text.clone(), x)
        });
    }
}
