//! A styled convolution with its parameters.

use anyface_kernels::Activation;
use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::Noise;
use crate::layers::{FullyConnected, Operands, ScaledNoise, Settings, styled_conv};

/// A convolution layer of the synthesis network (NVIDIA `SynthesisLayer`).
#[derive(Module, Debug)]
pub struct SynthesisLayer {
    /// `w` to one scale per input channel.
    pub affine: FullyConnected,
    /// `[C_out, C_in, 3, 3]`.
    pub weight: Param<Tensor<4>>,
    /// `[C_out]`.
    pub bias: Param<Tensor<1>>,
    /// Strength of the noise, `[1]`.
    pub noise_strength: Param<Tensor<1>>,
    /// Map of [`Noise::Const`], `[R, R]`, a buffer.
    pub noise_const: Param<Tensor<2>>,
    #[module(skip)]
    pub(super) settings: Settings,
}

impl SynthesisLayer {
    /// Creates a layer with output `[N, d_output, resolution, resolution]`; with `up`, its input
    /// has half the resolution.
    pub(super) fn new(
        [d_input, d_output]: [usize; 2],
        w_dim: usize,
        resolution: usize,
        up: bool,
        clamp: Option<f64>,
        device: &Device,
    ) -> Self {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Self {
            affine: FullyConnected::style(w_dim, d_input, device),
            weight: normal.init([d_output, d_input, 3, 3], device),
            bias: Initializer::Zeros.init([d_output], device),
            noise_strength: Initializer::Zeros.init([1], device),
            noise_const: normal
                .init([resolution, resolution], device)
                .set_require_grad(false),
            settings: Settings {
                up,
                demodulate: true,
                activation: Activation::LeakyRelu,
                clamp,
            },
        }
    }

    /// C_in, the number of input features.
    pub(super) fn inputs(&self) -> usize {
        let [_, inputs, ..] = self.weight.dims();
        inputs
    }

    /// Maps `x [N, C_in, H, H]` with latents `w [N, D]` to `[N, C_out, R, R]`.
    pub fn forward(&self, x: Tensor<4>, w: Tensor<2>, noise: &mut Noise<'_>) -> Tensor<4> {
        let [n, ..] = x.dims();
        let noise = noise
            .sample(self.noise_const.val(), n)
            .map(|map| ScaledNoise {
                map,
                strength: self.noise_strength.val(),
            });
        let operands = Operands {
            x,
            weight: self.weight.val(),
            style: Some(self.affine.forward(w)),
            noise,
            bias: Some(self.bias.val()),
        };
        styled_conv(operands, self.settings)
    }
}
