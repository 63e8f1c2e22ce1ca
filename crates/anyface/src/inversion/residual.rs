//! The encoder trained together with the generator of photographs: an image to one `w`.

use std::f64::consts::FRAC_1_SQRT_2;

use anyface_kernels::Activation;
use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use crate::layers::{conv_same, halve};

/// Side of the features before the linear layer.
const COARSEST: usize = 4;

/// Sizes of a [`ResidualEncoder`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct ResidualEncoderConfig {
    /// D, the width of `w`.
    pub w_dim: usize,
    /// Feature channels at the encoder's resolution and at each half of it, down to 4².
    #[config(default = "vec![32, 64, 128, 192, 256]")]
    pub channels: Vec<usize>,
}

impl ResidualEncoderConfig {
    /// Side of an input image in pixels; larger images are averaged down.
    pub fn resolution(&self) -> usize {
        COARSEST << (self.channels.len() - 1)
    }

    /// Creates an encoder with random weights.
    pub fn init(&self, device: &Device) -> ResidualEncoder {
        let coarsest = self.channels[self.channels.len() - 1];
        let blocks = self.channels.windows(2);
        ResidualEncoder {
            from_rgb: Convolution::new([3, self.channels[0]], 3, true, device),
            blocks: blocks
                .map(|pair| Block::new([pair[0], pair[1]], device))
                .collect(),
            to_w: LinearConfig::new(coarsest * COARSEST * COARSEST, self.w_dim).init(device),
            resolution: self.resolution(),
        }
    }
}

/// Residual blocks that downsample an image to 4², then one linear layer.
#[derive(Module, Debug)]
pub struct ResidualEncoder {
    from_rgb: Convolution,
    blocks: Vec<Block>,
    to_w: Linear,
    resolution: usize,
}

impl ResidualEncoder {
    /// Maps aligned images `[N, 3, R, R]` from −1 to 1 to `w [N, D]`. R is the encoder's resolution
    /// times a power of two.
    pub fn forward(&self, mut images: Tensor<4>) -> Tensor<2> {
        while images.dims()[3] > self.resolution {
            images = halve(images);
        }
        let x = self.from_rgb.leaky_relu(images);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        self.to_w.forward(x.flatten(1, 3))
    }
}

/// Two convolutions and downsampling, with a 1×1 convolution as shortcut.
#[derive(Module, Debug)]
struct Block {
    conv0: Convolution,
    conv1: Convolution,
    skip: Convolution,
}

impl Block {
    fn new([inputs, outputs]: [usize; 2], device: &Device) -> Self {
        Self {
            conv0: Convolution::new([inputs, inputs], 3, true, device),
            conv1: Convolution::new([inputs, outputs], 3, true, device),
            skip: Convolution::new([inputs, outputs], 1, false, device),
        }
    }

    /// `[N, C, H, W]` to `[N, C', H/2, W/2]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.conv1.leaky_relu(self.conv0.leaky_relu(x.clone()));
        (halve(y) + self.skip.linear(halve(x))) * FRAC_1_SQRT_2
    }
}

/// A convolution that keeps the resolution, with PyTorch's initialisation.
#[derive(Module, Debug)]
struct Convolution {
    /// `[C_out, C_in, k, k]`.
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
}

impl Convolution {
    fn new([inputs, outputs]: [usize; 2], kernel: usize, bias: bool, device: &Device) -> Self {
        let bound = ((inputs * kernel * kernel) as f64).sqrt().recip();
        let uniform = Initializer::Uniform {
            min: -bound,
            max: bound,
        };
        Self {
            weight: uniform.init([outputs, inputs, kernel, kernel], device),
            bias: bias.then(|| uniform.init([outputs], device)),
        }
    }

    /// `leaky_relu(conv(x) + b)` with gain 1. The kernels' activation has gain √2 and is
    /// homogeneous, so the weights are divided by √2.
    fn leaky_relu(&self, x: Tensor<4>) -> Tensor<4> {
        let bias = self.bias.as_ref().map(|bias| bias.val() * FRAC_1_SQRT_2);
        let weight = self.weight.val() * FRAC_1_SQRT_2;
        conv_same(x, weight, bias, Activation::LeakyRelu)
    }

    fn linear(&self, x: Tensor<4>) -> Tensor<4> {
        let bias = self.bias.as_ref().map(Param::val);
        conv_same(x, self.weight.val(), bias, Activation::Linear)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::activation::leaky_relu;
    use burn::tensor::{Distribution, Tolerance};

    #[test]
    fn a_larger_image_is_averaged_down() {
        let device = Device::flex();
        let encoder = ResidualEncoderConfig::new(6)
            .with_channels(vec![4, 4, 8])
            .init(&device);
        let images = Tensor::<4>::random([2, 3, 32, 32], Distribution::Default, &device);
        let w = encoder.forward(images.clone());
        assert_eq!(w.dims(), [2, 6]);
        let expected = encoder.forward(halve(images));
        w.into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::default());
    }

    #[test]
    fn the_activation_has_gain_one() {
        let device = Device::flex();
        let conv = Convolution::new([3, 5], 3, true, &device);
        let x = Tensor::<4>::random([1, 3, 8, 8], Distribution::Normal(0.0, 1.0), &device);
        let expected = leaky_relu(conv.linear(x.clone()), 0.2).into_data();
        let found = conv.leaky_relu(x).into_data();
        found.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-5));
    }
}
