//! MobileFaceNet: a small face recogniser (Chen et al. 2018, arXiv 1804.07573).
//!
//! Reference: the ncnn graph of the released model.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};

use crate::layers::{BatchNorm, Conv, Linear, conv, l2_normalize, prelu};

/// Pixel scale in the graph, about 1/128.
const SCALE: f64 = 0.007812;

/// Side of the features before pooling.
const POOLED: usize = 7;

/// Sizes of a [`Bottleneck`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct BottleneckConfig {
    /// Inner channels.
    pub expanded: usize,
    /// Output channels.
    pub outputs: usize,
    /// Whether the input is added; otherwise the resolution is halved.
    pub residual: bool,
}

/// Sizes of a [`MobileFaceNet`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct MobileFaceNetConfig {
    /// Channels after the first convolution.
    pub stem: usize,
    /// The blocks.
    pub blocks: Vec<BottleneckConfig>,
    /// Channels before pooling.
    pub pooled: usize,
    /// E, the width of a feature.
    pub embed_dim: usize,
}

impl MobileFaceNetConfig {
    /// Creates a network with random weights.
    pub fn init(&self, device: &Device) -> MobileFaceNet {
        let mut inputs = self.stem;
        let mut blocks = Vec::new();
        for config in &self.blocks {
            blocks.push(Bottleneck::new(inputs, config, device));
            inputs = config.outputs;
        }
        let pool = Conv {
            padding: [0, 0],
            ..depthwise(self.pooled, POOLED)
        };
        MobileFaceNet {
            stem: Activated::new(Conv::same(3, self.stem, 3).stride(2), device),
            stem_depthwise: Activated::new(depthwise(self.stem, 3), device),
            blocks,
            last: Activated::new(Conv::same(inputs, self.pooled, 1), device),
            pool: Normed::new(pool, device),
            linear: Linear::new(self.pooled, self.embed_dim, 0.02, device),
            norm: BatchNorm::new(self.embed_dim, 0.0, device),
        }
    }
}

fn depthwise(channels: usize, kernel: usize) -> Conv {
    Conv {
        groups: channels,
        ..Conv::same(channels, channels, kernel)
    }
}

/// A recogniser: faces to identity features.
#[derive(Module, Debug)]
pub struct MobileFaceNet {
    stem: Activated,
    stem_depthwise: Activated,
    blocks: Vec<Bottleneck>,
    last: Activated,
    pool: Normed,
    linear: Linear,
    norm: BatchNorm,
}

impl MobileFaceNet {
    /// Maps RGB faces `[N, 3, 112, 112]` from 0 to 255 to features `[N, E]` of length 1. The dot
    /// product of two features is their cosine similarity.
    pub fn forward(&self, faces: Tensor<4>) -> Tensor<2> {
        let x = self.stem.forward((faces - 127.5) * SCALE);
        let x = self.stem_depthwise.forward(x);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let pooled: Tensor<2> = self.pool.forward(self.last.forward(x)).flatten(1, 3);
        l2_normalize(self.norm.forward(self.linear.forward(pooled)))
    }
}

/// Expand, depthwise convolution, project.
#[derive(Module, Debug)]
pub struct Bottleneck {
    expand: Activated,
    depthwise: Activated,
    project: Normed,
    residual: bool,
}

impl Bottleneck {
    fn new(inputs: usize, config: &BottleneckConfig, device: &Device) -> Self {
        let &BottleneckConfig {
            expanded,
            outputs,
            residual,
        } = config;
        let stride = if residual { 1 } else { 2 };
        Self {
            expand: Activated::new(Conv::same(inputs, expanded, 1), device),
            depthwise: Activated::new(depthwise(expanded, 3).stride(stride), device),
            project: Normed::new(Conv::same(expanded, outputs, 1), device),
            residual,
        }
    }

    /// `[N, C, H, W]` to `[N, C', H/s, W/s]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.depthwise.forward(self.expand.forward(x.clone()));
        let y = self.project.forward(y);
        if self.residual { x + y } else { y }
    }
}

/// A convolution and its norm.
#[derive(Module, Debug)]
struct Normed {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Normed {
    fn new(settings: Conv, device: &Device) -> Self {
        Self {
            conv: conv(settings, device),
            norm: BatchNorm::new(settings.channels[1], 0.0, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

/// A convolution, its norm, and a PReLU.
#[derive(Module, Debug)]
struct Activated {
    conv: Conv2d,
    norm: BatchNorm,
    prelu: Param<Tensor<1>>,
}

impl Activated {
    fn new(settings: Conv, device: &Device) -> Self {
        let [_, outputs] = settings.channels;
        Self {
            conv: conv(settings, device),
            norm: BatchNorm::new(outputs, 0.0, device),
            prelu: Initializer::Constant { value: 0.25 }.init([outputs], device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        prelu(self.norm.forward(self.conv.forward(x)), self.prelu.val())
    }
}
