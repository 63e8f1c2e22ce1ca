//! Layer normalisation with torch's parameter names.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor, module};

/// Layer normalisation's epsilon in every CLIP checkpoint.
const LAYER_NORM_EPSILON: f64 = 1e-5;

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
