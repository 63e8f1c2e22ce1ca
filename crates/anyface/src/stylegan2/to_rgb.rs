//! Features to colours.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::FullyConnected;

/// A styled 1×1 convolution without demodulation (NVIDIA `ToRGBLayer`).
#[derive(Module, Debug)]
pub struct ToRgb {
    /// `w` to one scale for every input channel.
    pub affine: FullyConnected,
    /// `[3, C, 1, 1]`.
    pub weight: Param<Tensor<4>>,
    /// `[3]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    clamp: Option<f64>,
}

impl ToRgb {
    pub(super) fn new(channels: usize, w_dim: usize, clamp: Option<f64>, device: &Device) -> Self {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Self {
            affine: FullyConnected::style(w_dim, channels, device),
            weight: normal.init([3, channels, 1, 1], device),
            bias: Initializer::Zeros.init([3], device),
            clamp,
        }
    }

    /// `x [N, C, H, W]` in the style `w [N, D]` to `[N, 3, H, W]`.
    pub fn forward(&self, x: Tensor<4>, w: Tensor<2>) -> Tensor<4> {
        let [n, c, height, width] = x.dims();
        let style = self.affine.forward(w) / (c as f64).sqrt();
        // With three output channels, styling the weight of each image costs next to nothing.
        let weight = self.weight.val().reshape([1, 3, c]) * style.reshape([n, 1, c]);
        let rgb = weight.matmul(x.reshape([n, c, height * width]));
        let rgb = rgb.reshape([n, 3, height, width]) + self.bias.val().reshape([1, 3, 1, 1]);
        match self.clamp {
            Some(limit) => rgb.clamp(-limit, limit),
            None => rgb,
        }
    }
}
