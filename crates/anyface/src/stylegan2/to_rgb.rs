//! The to-RGB layer: features to colours.

use anyface_kernels::Activation;
use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use crate::layers::{FullyConnected, Operands, Settings, styled_conv};

/// A styled 1×1 convolution without demodulation (NVIDIA `ToRGBLayer`).
#[derive(Module, Debug)]
pub struct ToRgb {
    /// `w` to one scale per input channel.
    pub affine: FullyConnected,
    /// `[3, C, 1, 1]`.
    pub weight: Param<Tensor<4>>,
    /// `[3]`.
    pub bias: Param<Tensor<1>>,
    #[module(skip)]
    pub(super) settings: Settings,
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
            settings: Settings {
                up: false,
                demodulate: false,
                activation: Activation::Linear,
                clamp,
            },
        }
    }

    /// Maps `x [N, C, H, W]` with latents `w [N, D]` to `[N, 3, H, W]`.
    pub fn forward(&self, x: Tensor<4>, w: Tensor<2>) -> Tensor<4> {
        let style = self.affine.forward(w) * self.style_gain();
        let operands = Operands {
            x,
            weight: self.weight.val(),
            style: Some(style),
            noise: None,
            bias: Some(self.bias.val()),
        };
        styled_conv(operands, self.settings)
    }

    /// Factor of the style, 1/√C.
    pub(super) fn style_gain(&self) -> f64 {
        let [_, c, ..] = self.weight.dims();
        (c as f64).sqrt().recip()
    }
}
