//! The residual connection of a block in the architecture `resnet`.

use anyface_kernels::Activation;
use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use crate::layers::{conv_same, upsample_2x};

/// A 1×1 convolution without style and bias, then upsampling (NVIDIA `Conv2dLayer` as `skip`).
#[derive(Module, Debug)]
pub struct SkipConv {
    /// `[C_out, C_in, 1, 1]`.
    pub weight: Param<Tensor<4>>,
}

impl SkipConv {
    pub(super) fn new(d_input: usize, d_output: usize, device: &Device) -> Self {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Self {
            weight: normal.init([d_output, d_input, 1, 1], device),
        }
    }

    /// `x [N, C_in, H, W]` to `[N, C_out, 2H, 2W]`; the weight is scaled by 1/√C_in.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.val();
        let [_, d_input, ..] = weight.dims();
        let weight = weight * (d_input as f64).sqrt().recip();
        upsample_2x(conv_same(x, weight, None, Activation::Linear))
    }
}
