//! The mapping network `z → w`.

use anyface_kernels::Activation;
use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::GeneratorConfig;
use crate::layers::FullyConnected;

/// Fully connected layers from `z` to `w`, and the mean of `w`.
#[derive(Module, Debug)]
pub struct Mapping {
    fc: Vec<FullyConnected>,
    /// Mean of `w`, `[D]`, a buffer without gradient.
    pub w_avg: Param<Tensor<1>>,
    normalize_z: bool,
}

impl Mapping {
    pub(super) fn new(config: &GeneratorConfig, device: &Device) -> Self {
        let activation = config.mapping_activation.map(Activation::from);
        let fc = (0..config.mapping_layers)
            .map(|layer| {
                let d_input = if layer == 0 {
                    config.z_dim
                } else {
                    config.w_dim
                };
                FullyConnected::new(
                    d_input,
                    config.w_dim,
                    config.lr_multiplier,
                    activation.unwrap_or(Activation::LeakyRelu),
                    device,
                )
            })
            .collect();
        Self {
            fc,
            w_avg: Initializer::Zeros
                .init([config.w_dim], device)
                .set_require_grad(false),
            normalize_z: config.normalize_z,
        }
    }

    /// Z, the width of `z`.
    pub fn z_dim(&self) -> usize {
        let [_, z_dim] = self.fc[0].weight.dims();
        z_dim
    }

    /// `z [N, Z]` to `w [N, D]`.
    pub fn forward(&self, z: Tensor<2>) -> Tensor<2> {
        let z = if self.normalize_z {
            let mean_square = z.clone().square().mean_dim(1);
            z / (mean_square + 1e-8).sqrt()
        } else {
            z
        };
        self.fc.iter().fold(z, |x, layer| layer.forward(x))
    }

    /// Sets a single linear layer so that Gaussian `z` give `w` with this mean `[D]` and covariance
    /// `rootᵀ·root`, `root [Z, D]`.
    ///
    /// # Panics
    /// If there is more than one layer.
    pub fn draw_normal(&mut self, mean: Tensor<1>, root: Tensor<2>) {
        let [layer] = &mut self.fc[..] else {
            panic!("the mapping network must have one linear layer");
        };
        layer.set_affine(root, mean.clone());
        self.track_w_avg(mean.unsqueeze(), 0.0);
    }

    /// The covariance of `w`, `[D, D]`, if `w` is Gaussian, i.e. for a single linear layer.
    pub fn covariance(&self) -> Option<Tensor<2>> {
        match &self.fc[..] {
            [layer] if layer.is_linear() => {
                let [root, _] = layer.affine();
                Some(root.clone().transpose().matmul(root))
            }
            _ => None,
        }
    }

    /// Updates the running mean of `w` with `w [N, D]`: `w_avg ← β·w_avg + (1 − β)·mean(w)`.
    pub fn track_w_avg(&mut self, w: Tensor<2>, beta: f64) {
        let mean = w.detach().mean_dim(0).squeeze_dim(0);
        self.w_avg = self
            .w_avg
            .clone()
            .map(|w_avg| (w_avg * beta + mean * (1.0 - beta)).detach());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stylegan2::MappingActivation;
    use burn::tensor::Distribution;

    #[test]
    fn one_linear_layer_gives_any_gaussian() {
        let device = Device::flex();
        let config = GeneratorConfig::new(3, 2, vec![4; 4])
            .with_mapping_layers(1)
            .with_mapping_activation(Some(MappingActivation::Linear))
            .with_normalize_z(false);
        let mut mapping = Mapping::new(&config, &device);
        let mean = Tensor::<1>::from_floats([5.0, -7.0], &device);
        let root = Tensor::<2>::from_floats([[2.0, 1.0], [0.0, 1.0], [0.0, 1.0]], &device);
        mapping.draw_normal(mean.clone(), root.clone());
        assert!(
            mapping
                .w_avg
                .val()
                .equal(mean.clone())
                .all()
                .into_scalar::<bool>()
        );
        let z = Tensor::random([50, 3], Distribution::Normal(0.0, 1.0), &device);
        let expected = z.clone().matmul(root) + mean.unsqueeze();
        let error = (mapping.forward(z) - expected)
            .abs()
            .max()
            .into_scalar::<f32>();
        assert!(error < 1e-5, "{error}");

        let covariance: Vec<f32> = mapping
            .covariance()
            .expect("one")
            .into_data()
            .iter()
            .collect();
        for (found, expected) in covariance.into_iter().zip([4.0, 2.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-4, "{found} for {expected}");
        }
        let curved = GeneratorConfig::new(3, 2, vec![4; 4]).with_mapping_layers(1);
        assert!(Mapping::new(&curved, &device).covariance().is_none());
    }
}
