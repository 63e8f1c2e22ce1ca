//! The network: the encoder of MobileNetV3-Small, its segmentation head (Howard et al. 2019, arXiv
//! 1905.02244, section 6.4), and a decoder with skip connections to the encoder.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::tensor::activation::{hard_swish, relu, sigmoid};
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor};

use crate::layers::convolve;

/// Side, in pixels, of the network's input and of its masks.
pub const SIDE: usize = 256;

/// Channels after the first convolution.
const STEM: usize = 16;

/// Channels of the head.
const HEAD: usize = 128;

/// Activation after a convolution.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Activation {
    Relu,
    HardSwish,
}

impl Activation {
    fn apply(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Relu => relu(x),
            Self::HardSwish => hard_swish(x),
        }
    }
}

/// Sizes of an [`InvertedResidual`].
struct Block {
    expanded: usize,
    kernel: usize,
    stride: usize,
    /// Inner channels of the squeeze-and-excitation layer.
    squeezed: Option<usize>,
    outputs: usize,
    activation: Activation,
}

impl Block {
    const fn relu(expanded: usize, stride: usize, squeezed: Option<usize>, outputs: usize) -> Self {
        Self {
            expanded,
            kernel: 3,
            stride,
            squeezed,
            outputs,
            activation: Activation::Relu,
        }
    }

    const fn hard_swish(expanded: usize, stride: usize, squeezed: usize) -> Self {
        Self {
            expanded,
            kernel: 5,
            stride,
            squeezed: Some(squeezed),
            outputs: 32,
            activation: Activation::HardSwish,
        }
    }
}

/// The blocks of the encoder.
const ENCODER: [Block; 8] = [
    Block::relu(16, 2, Some(8), 16),
    Block::relu(72, 2, None, 24),
    Block::relu(88, 1, None, 24),
    Block::hard_swish(96, 2, 24),
    Block::hard_swish(128, 1, 32),
    Block::hard_swish(128, 1, 32),
    Block::hard_swish(96, 1, 24),
    Block::hard_swish(96, 1, 24),
];

/// Blocks with features at 1/4 and 1/8 of the resolution, which the decoder reads.
const SKIPS: [usize; 2] = [0, 2];

/// Channels of each decoder stage and of the skip features it reads, at 1/8, 1/4 and 1/2 of the
/// resolution.
const DECODER: [usize; 3] = [24, 16, 16];

/// A convolution with bias and TensorFlow's `same` padding.
fn conv(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(match stride {
            1 => PaddingConfig2d::Explicit(kernel / 2, kernel / 2, kernel / 2, kernel / 2),
            _ => PaddingConfig2d::Same,
        })
        .init(device)
}

fn pointwise(inputs: usize, outputs: usize, device: &Device) -> Conv2d {
    conv([inputs, outputs], 1, 1, device)
}

fn depthwise(channels: usize, kernel: usize, stride: usize, device: &Device) -> Conv2d {
    Conv2dConfig::new([channels; 2], [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(PaddingConfig2d::Same)
        .with_groups(channels)
        .init(device)
}

/// The mean of each channel, `[N, C, H, W]` to `[N, C, 1, 1]`.
fn global_mean(x: Tensor<4>) -> Tensor<4> {
    x.mean_dim(3).mean_dim(2)
}

/// Squeeze and excitation: a factor from 0 to 1 per channel, from the means of all channels.
#[derive(Module, Debug)]
struct SqueezeExcitation {
    reduce: Conv2d,
    expand: Conv2d,
}

impl SqueezeExcitation {
    fn new(channels: usize, squeezed: usize, device: &Device) -> Self {
        Self {
            reduce: pointwise(channels, squeezed, device),
            expand: pointwise(squeezed, channels, device),
        }
    }

    /// `[N, C, H, W]` to `[N, C, 1, 1]`.
    fn factors(&self, x: Tensor<4>) -> Tensor<4> {
        let squeezed = relu(self.reduce.forward(global_mean(x)));
        sigmoid(self.expand.forward(squeezed))
    }
}

/// An inverted residual: expand, depthwise convolution, project.
#[derive(Module, Debug)]
struct InvertedResidual {
    expand: Conv2d,
    depthwise: Conv2d,
    squeeze_excitation: Option<SqueezeExcitation>,
    project: Conv2d,
    #[module(skip)]
    activation: Activation,
    residual: bool,
}

impl InvertedResidual {
    fn new(inputs: usize, block: &Block, device: &Device) -> Self {
        let &Block {
            expanded, outputs, ..
        } = block;
        Self {
            expand: pointwise(inputs, expanded, device),
            depthwise: depthwise(expanded, block.kernel, block.stride, device),
            squeeze_excitation: block
                .squeezed
                .map(|squeezed| SqueezeExcitation::new(expanded, squeezed, device)),
            project: pointwise(expanded, outputs, device),
            activation: block.activation,
            residual: block.stride == 1,
        }
    }

    /// `[N, C, H, W]` to `[N, C', H/s, W/s]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.activation.apply(convolve(&self.expand, x.clone()));
        let y = self.activation.apply(self.depthwise.forward(y));
        let y = match &self.squeeze_excitation {
            Some(excitation) => y.clone() * excitation.factors(y),
            None => y,
        };
        let y = convolve(&self.project, y);
        if self.residual { x + y } else { y }
    }
}

/// The segmentation head of MobileNetV3 (LR-ASPP) without its last layer.
#[derive(Module, Debug)]
struct Head {
    project: Conv2d,
    gate: Conv2d,
}

impl Head {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let gate = sigmoid(self.gate.forward(global_mean(x.clone())));
        relu(convolve(&self.project, x)) * gate
    }
}

/// Doubles the resolution and adds the encoder's features at that resolution.
#[derive(Module, Debug)]
struct DecoderStage {
    project: Conv2d,
    squeeze_excitation: SqueezeExcitation,
    pointwise: Conv2d,
    depthwise: Conv2d,
}

impl DecoderStage {
    fn new(inputs: usize, channels: usize, device: &Device) -> Self {
        Self {
            project: pointwise(inputs, channels, device),
            squeeze_excitation: SqueezeExcitation::new(channels, channels, device),
            pointwise: pointwise(channels, channels, device),
            depthwise: depthwise(channels, 3, 1, device),
        }
    }

    /// `x [N, C, H, W]` and the encoder's `skip [N, C', 2H, 2W]` to `[N, C', 2H, 2W]`.
    fn forward(&self, x: Tensor<4>, skip: Tensor<4>) -> Tensor<4> {
        // 1×1 convolution and bilinear interpolation commute.
        let x = double(convolve(&self.project, x));
        let factors = self.squeeze_excitation.factors(skip.clone() + x.clone());
        let y = relu(convolve(&self.pointwise, skip * factors + x));
        relu(self.depthwise.forward(y.clone())) + y
    }
}

/// Doubles the resolution by bilinear interpolation with half-pixel centres.
fn double(x: Tensor<4>) -> Tensor<4> {
    let options = InterpolateOptions::new(InterpolateMode::Bilinear)
        .with_scale_factor([2.0, 2.0])
        .with_align_corners(false);
    interpolate(x, options)
}

/// Segments the person in a picture.
#[derive(Module, Debug)]
pub struct SelfieSegmentation {
    stem: Conv2d,
    encoder: Vec<InvertedResidual>,
    head: Head,
    decoder: Vec<DecoderStage>,
    mask: ConvTranspose2d,
}

impl SelfieSegmentation {
    /// Creates a network with random weights.
    pub fn new(device: &Device) -> Self {
        let mut width = STEM;
        let mut encoder = Vec::new();
        for block in &ENCODER {
            encoder.push(InvertedResidual::new(width, block, device));
            width = block.outputs;
        }
        let head = Head {
            project: pointwise(width, HEAD, device),
            gate: pointwise(width, HEAD, device),
        };
        let mut width = HEAD;
        let mut decoder = Vec::new();
        for channels in DECODER {
            decoder.push(DecoderStage::new(width, channels, device));
            width = channels;
        }
        Self {
            stem: conv([3, STEM], 3, 2, device),
            encoder,
            head,
            decoder,
            mask: ConvTranspose2dConfig::new([width, 1], [2, 2])
                .with_stride([2, 2])
                .init(device),
        }
    }

    /// Maps RGB images `[N, 3, 256, 256]` from 0 to 1 to masks `[N, 1, 256, 256]`: the share of
    /// person per pixel, from 0 to 1.
    pub fn forward(&self, pictures: Tensor<4>) -> Tensor<4> {
        let mut x = hard_swish(self.stem.forward(pictures));
        let mut skips = vec![x.clone()];
        for (index, block) in self.encoder.iter().enumerate() {
            x = block.forward(x);
            if SKIPS.contains(&index) {
                skips.push(x.clone());
            }
        }
        x = self.head.forward(x);
        for (stage, skip) in self.decoder.iter().zip(skips.into_iter().rev()) {
            x = stage.forward(x, skip);
        }
        sigmoid(self.mask.forward(x))
    }
}
