//! Linear layers with torch's parameter names and layout, so that state dicts match directly.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor, module};

/// `y = x·Wᵀ + b`, with the weight stored as `[out, in]`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Param<Tensor<2>>,
    /// `[out]`.
    pub bias: Param<Tensor<1>>,
}

impl Linear {
    /// Creates a layer with normal weights of standard deviation `std` and zero bias.
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
