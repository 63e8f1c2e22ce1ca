//! Convolutions.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::Device;

/// How a convolution computes.
#[derive(Debug, Clone, Copy)]
pub struct Conv {
    /// Channels in and out.
    pub channels: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Pixels from one place of the kernel to the next.
    pub stride: usize,
    /// Zeros added above and below, left and right.
    pub padding: [usize; 2],
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Whether a number is added to each channel.
    pub bias: bool,
}

impl Conv {
    /// A square kernel of odd size that keeps the size of the image, without bias.
    pub fn same(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self {
            channels: [inputs, outputs],
            kernel: [kernel; 2],
            stride: 1,
            padding: [kernel / 2; 2],
            groups: 1,
            bias: false,
        }
    }

    /// With a stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// With a bias.
    pub fn bias(self) -> Self {
        Self { bias: true, ..self }
    }
}

/// A convolution with fresh weights.
pub fn conv(conv: Conv, device: &Device) -> Conv2d {
    let [vertical, horizontal] = conv.padding;
    Conv2dConfig::new(conv.channels, conv.kernel)
        .with_stride([conv.stride; 2])
        .with_padding(PaddingConfig2d::Explicit(
            vertical, horizontal, vertical, horizontal,
        ))
        .with_groups(conv.groups)
        .with_bias(conv.bias)
        .init(device)
}
