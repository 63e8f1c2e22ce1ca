use anyface::probe::Probe;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

/// Attribute losses: differences between a frozen probe's view of `output` and of `target`,
/// `[N, 3, R, R]` each.
///
/// Small features that a caption names, for example earrings or freckles, hardly change a pixel
/// loss. The probe is trained to detect them.
pub struct AttributeLosses {
    /// LPIPS without learned weights, with the probe as backbone.
    pub features: Tensor<1>,
    /// Mean squared difference of the attributes' probabilities.
    pub reading: Tensor<1>,
}

/// Compares two batches `[N, 3, R, R]` by the features and attributes that `probe` reads.
pub fn attribute_losses(probe: &Probe, output: Tensor<4>, target: Tensor<4>) -> AttributeLosses {
    let (logits, layers) = probe.forward_with_features(output);
    let (true_logits, true_layers) = probe.forward_with_features(target);
    let reading = (sigmoid(logits) - sigmoid(true_logits)).square().mean();
    AttributeLosses {
        features: feature_distance(layers, true_layers),
        reading,
    }
}

/// LPIPS without learned weights (Zhang et al. 2018, arXiv 1801.03924): the sum over layers
/// `[N, C, H, W]` of the mean over positions of the squared difference between features normalised
/// over C.
///
/// # Panics
/// If there are no layers.
fn feature_distance(layers: Vec<Tensor<4>>, true_layers: Vec<Tensor<4>>) -> Tensor<1> {
    let pairs = layers.into_iter().zip(true_layers);
    pairs
        .map(|(a, b)| (unit(a) - unit(b)).square().sum_dim(1).mean())
        .reduce(|sum, layer| sum + layer)
        .expect("a network has layers")
}

/// Normalises `[N, C, H, W]` to unit length over C.
fn unit(features: Tensor<4>) -> Tensor<4> {
    let length = (features.clone().square().sum_dim(1) + 1e-8).sqrt();
    features / length
}

#[cfg(test)]
mod tests {
    use super::super::check::{assert_close, assert_gradient, random, value};
    use super::*;
    use anyface::probe::ProbeConfig;
    use burn::module::{Module, ModuleMapper, Param};
    use burn::tensor::{Device, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Random weights from a generator of their own, so that other threads do not change them. Near
    /// a kink of the loss, finite differences do not match the gradient.
    struct Drawn(ChaCha8Rng);

    impl ModuleMapper for Drawn {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let shape = tensor.shape();
                let values: Vec<f32> = (0..shape.num_elements())
                    .map(|_| self.0.random_range(-0.5..0.5))
                    .collect();
                Tensor::from_data(TensorData::new(values, shape), &tensor.device())
            })
        }
    }

    fn probe() -> Probe {
        let config = ProbeConfig::new(3)
            .with_resolution(4)
            .with_channels(vec![2]);
        let probe = config.init(&Device::flex().autodiff());
        probe.map(&mut Drawn(ChaCha8Rng::seed_from_u64(1)))
    }

    #[test]
    fn equal_pictures_have_no_loss() {
        let image = random([2, 3, 4, 4], 1);
        let losses = attribute_losses(&probe(), image.clone(), image);
        assert_close(value(losses.features), 0.0);
        assert_close(value(losses.reading), 0.0);
    }

    #[test]
    fn gradients() {
        let (probe, target) = (probe(), random([1, 3, 4, 4], 2));
        let losses = |x| attribute_losses(&probe, x, target.clone());
        assert_gradient(random([1, 3, 4, 4], 3), |x| losses(x).features);
        assert_gradient(random([1, 3, 4, 4], 3), |x| losses(x).reading);
    }
}
