//! Linear and layer norm with torch's parameter names and layout, so that state dicts map one-to-one.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor, module};

/// Layer normalisation's epsilon in every CLIP checkpoint.
const LAYER_NORM_EPSILON: f64 = 1e-5;

/// `y = x·Wᵀ + b`, weight stored `[out, in]` as torch does.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    /// Normal weights of standard deviation `std`, zero bias.
    pub fn new(inputs: usize, outputs: usize, std: f64, device: &Device) -> Self {
        Self {
            weight: Initializer::Normal { mean: 0.0, std }.init([outputs, inputs], device),
            bias: Initializer::Zeros.init([outputs], device),
        }
    }

    /// `[..., in] → [..., out]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        module::linear(x, self.weight.val().transpose(), Some(self.bias.val()))
    }
}

/// Layer normalisation over the last axis.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// Scale, `[width]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[width]`.
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    /// Scale 1, shift 0.
    pub fn new(width: usize, device: &Device) -> Self {
        Self {
            weight: Initializer::Ones.init([width], device),
            bias: Initializer::Zeros.init([width], device),
        }
    }

    /// `[..., width] → [..., width]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        module::layer_norm(
            x,
            self.weight.val(),
            Some(self.bias.val()),
            LAYER_NORM_EPSILON,
        )
    }
}
