//! Activation functions.

use anyface_kernels::Activation;
use burn::tensor::Tensor;
use burn::tensor::activation::leaky_relu;

/// Applies the activation as defined by the kernels.
pub fn activate<const D: usize>(x: Tensor<D>, activation: Activation) -> Tensor<D> {
    match activation {
        Activation::Linear => x,
        Activation::LeakyRelu => leaky_relu(x, 0.2) * std::f64::consts::SQRT_2,
        Activation::Relu6 => x.clamp(0.0, 6.0),
    }
}
