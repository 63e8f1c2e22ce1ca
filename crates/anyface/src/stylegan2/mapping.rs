//! The mapping network `z → w`.

use anyface_kernels::Activation;
use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::{FullyConnected, GeneratorConfig};

/// Fully connected layers from `z` to `w`, and the mean of `w`.
#[derive(Module, Debug)]
pub struct Mapping {
    fc: Vec<FullyConnected>,
    /// Mean of `w`, `[D]`: a buffer, never trained by gradient.
    pub w_avg: Param<Tensor<1>>,
    normalize_z: bool,
}

impl Mapping {
    pub(super) fn new(config: &GeneratorConfig, device: &Device) -> Self {
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
                    Activation::LeakyRelu,
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

    /// Width of `z`, Z.
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

    /// Moves the mean of `w` towards the mean of `w [N, D]`: `w_avg ← β·w_avg + (1 − β)·mean(w)`.
    pub fn track_w_avg(&mut self, w: Tensor<2>, beta: f64) {
        let mean = w.detach().mean_dim(0).squeeze_dim(0);
        self.w_avg = self
            .w_avg
            .clone()
            .map(|w_avg| (w_avg * beta + mean * (1.0 - beta)).detach());
    }
}
