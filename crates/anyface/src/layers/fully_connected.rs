//! Linear layers with an equalised learning rate.

use anyface_kernels::Activation;
use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use crate::layers::activate;

/// `y = act(x·(W·m/√in)ᵀ + b·m)` with learning-rate multiplier `m` (NVIDIA `FullyConnectedLayer`).
/// Weights are initialised as N(0, 1/m²), so that all layers have the same effective step size.
#[derive(Module, Debug)]
pub struct FullyConnected {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
    lr_multiplier: f64,
    #[module(skip)]
    activation: Activation,
}

impl FullyConnected {
    /// Creates a layer from `d_input` to `d_output`.
    pub fn new(
        d_input: usize,
        d_output: usize,
        lr_multiplier: f64,
        activation: Activation,
        device: &Device,
    ) -> Self {
        let weight = Initializer::Normal {
            mean: 0.0,
            std: 1.0 / lr_multiplier,
        };
        Self {
            weight: weight.init([d_output, d_input], device),
            bias: Initializer::Zeros.init([d_output], device),
            lr_multiplier,
            activation,
        }
    }

    /// Creates the affine layer from a latent `[N, D]` to the style `[N, C]` of a convolution,
    /// initially near 1.
    pub fn style(w_dim: usize, channels: usize, device: &Device) -> Self {
        let weight = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Self {
            weight: weight.init([channels, w_dim], device),
            bias: Initializer::Ones.init([channels], device),
            lr_multiplier: 1.0,
            activation: Activation::Linear,
        }
    }

    /// Whether the layer has no activation.
    pub(crate) fn is_linear(&self) -> bool {
        self.activation == Activation::Linear
    }

    /// Its matrix `[in, out]` and offset `[1, out]`.
    pub(crate) fn affine(&self) -> [Tensor<2>; 2] {
        let [d_output, d_input] = self.weight.dims();
        let gain = self.lr_multiplier / (d_input as f64).sqrt();
        // Scales in the stored layout, which is faster, then makes the matrix contiguous: with
        // another layout, the rounding of sums would depend on the batch size.
        let matrix = (self.weight.val() * gain).transpose();
        [
            matrix
                .reshape([d_input * d_output])
                .reshape([d_input, d_output]),
            (self.bias.val() * self.lr_multiplier).unsqueeze(),
        ]
    }

    /// Sets its matrix `[in, out]` and offset `[out]`.
    pub(crate) fn set_affine(&mut self, matrix: Tensor<2>, offset: Tensor<1>) {
        let [d_input, _] = matrix.dims();
        let gain = self.lr_multiplier / (d_input as f64).sqrt();
        self.weight = self.weight.clone().map(|_| matrix.transpose() / gain);
        self.bias = self.bias.clone().map(|_| offset / self.lr_multiplier);
    }

    /// `[N, in]` to `[N, out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let [matrix, offset] = self.affine();
        activate(x.matmul(matrix) + offset, self.activation)
    }
}
