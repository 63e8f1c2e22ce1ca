//! The style block: features to one latent (`GradualStyleBlock`).

use anyface_kernels::Activation;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

use crate::layers::{Conv, FullyConnected, conv, convolve};

/// torch's default slope.
const SLOPE: f64 = 0.01;

/// Convolutions that halve the resolution down to 1, then a linear layer.
#[derive(Module, Debug)]
pub struct StyleBlock {
    convs: Vec<Conv2d>,
    linear: FullyConnected,
}

impl StyleBlock {
    /// Creates a block from `inputs` channels through convolutions of `width` channels to
    /// `outputs`, for features `[N, inputs, side, side]`; `side` is a power of two.
    pub(crate) fn new([inputs, width, outputs]: [usize; 3], side: usize, device: &Device) -> Self {
        let halving = |inputs| conv(Conv::same(inputs, width, 3).stride(2).bias(), device);
        let halvings = side.ilog2() as usize;
        Self {
            convs: (0..halvings)
                .map(|i| halving(if i == 0 { inputs } else { width }))
                .collect(),
            linear: FullyConnected::new(width, outputs, 1.0, Activation::Linear, device),
        }
    }

    /// Adds `offset [D]` to the output.
    pub(super) fn shift(&mut self, offset: Tensor<1>) {
        self.linear.bias = self.linear.bias.clone().map(|bias| bias + offset);
    }

    /// Sets the output to 0.
    pub(super) fn set_to_zero(&mut self) {
        let FullyConnected { weight, bias, .. } = &mut self.linear;
        *weight = weight.clone().map(|weight| weight.zeros_like());
        *bias = bias.clone().map(|bias| bias.zeros_like());
    }

    /// `[N, C, S, S]` to `[N, D]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self
            .convs
            .iter()
            .fold(x, |x, conv| leaky_relu(convolve(conv, x), SLOPE));
        self.linear.forward(x.flatten(1, 3))
    }
}
