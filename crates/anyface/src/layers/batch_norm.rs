//! Batch normalisation with running statistics.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};

/// `(x − mean)/√(var + ε)·weight + bias` per channel, with fixed statistics.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Scale, `[C]`.
    pub weight: Param<Tensor<1>>,
    /// Shift, `[C]`.
    pub bias: Param<Tensor<1>>,
    /// Running mean, `[C]`, a buffer.
    pub running_mean: Param<Tensor<1>>,
    /// Running variance, `[C]`, a buffer.
    pub running_var: Param<Tensor<1>>,
    epsilon: f64,
}

impl BatchNorm {
    /// Creates the identity, except for ε.
    pub fn new(channels: usize, epsilon: f64, device: &Device) -> Self {
        Self {
            weight: Initializer::Ones.init([channels], device),
            bias: Initializer::Zeros.init([channels], device),
            running_mean: Initializer::Zeros
                .init([channels], device)
                .set_require_grad(false),
            running_var: Initializer::Ones
                .init([channels], device)
                .set_require_grad(false),
            epsilon,
        }
    }

    /// `[N, C, …]` to the same shape.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let mut shape = [1; D];
        shape[1] = x.dims()[1];
        let [scale, shift] = self.scale_and_shift();
        x * scale.reshape(shape) + shift.reshape(shape)
    }

    /// Factor and offset per channel, `[C]` each.
    pub fn scale_and_shift(&self) -> [Tensor<1>; 2] {
        let scale = self.weight.val() / (self.running_var.val() + self.epsilon).sqrt();
        let shift = self.bias.val() - self.running_mean.val() * scale.clone();
        [scale, shift]
    }
}
