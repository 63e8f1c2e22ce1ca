//! CLIP's image tower as a residual network: RN50 and similar.
//!
//! Reference: `ModifiedResNet` in `clip/model.py` of openai/CLIP. Parameter paths equal the
//! checkpoint's keys after `visual.`, except `downsample.0` and `downsample.1`, which are
//! `downsample.conv` and `downsample.norm`.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::activation::{relu, softmax};
use burn::tensor::{Device, Tensor};

use crate::layers::{BatchNorm, Conv, Linear, conv, convolve_normalized, halve};

/// ε of torch's batch norm, in every checkpoint.
const EPSILON: f64 = 1e-5;
/// Ratio of a block's output channels to its inner channels.
const EXPANSION: usize = 4;

/// Sizes of a [`ModifiedResNet`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct ModifiedResNetConfig {
    /// R, the side of an input image in pixels; a multiple of 32.
    pub resolution: usize,
    /// Number of blocks in each stage.
    pub layers: [usize; 4],
    /// Channels after the stem, even. The inner channels double with each stage.
    pub width: usize,
    /// Heads of the attention pooling, which has 32 times `width` channels.
    pub heads: usize,
    /// E, the width of a feature.
    pub embed_dim: usize,
}

impl ModifiedResNetConfig {
    /// Creates a tower whose blocks start as the identity, as in the reference: the last norm of
    /// each is 0. Norms use fixed running statistics, so convolutions start with He initialisation,
    /// which keeps the variance (He et al. 2015, arXiv 1502.01852).
    pub fn init(&self, device: &Device) -> ModifiedResNet {
        let half = self.width / 2;
        let stage = |number: usize| {
            let channels = self.width << number;
            let inputs = match number {
                0 => self.width,
                _ => channels / 2 * EXPANSION,
            };
            (0..self.layers[number])
                .map(|block| match block {
                    0 => Bottleneck::new(inputs, channels, number > 0, device),
                    _ => Bottleneck::new(channels * EXPANSION, channels, false, device),
                })
                .collect()
        };
        ModifiedResNet {
            conv1: he_conv(Conv::same(3, half, 3).stride(2), device),
            bn1: BatchNorm::new(half, EPSILON, device),
            conv2: he_conv(Conv::same(half, half, 3), device),
            bn2: BatchNorm::new(half, EPSILON, device),
            conv3: he_conv(Conv::same(half, self.width, 3), device),
            bn3: BatchNorm::new(self.width, EPSILON, device),
            layer1: stage(0),
            layer2: stage(1),
            layer3: stage(2),
            layer4: stage(3),
            attnpool: AttentionPool::new(self, device),
        }
    }
}

/// A convolution that, followed by ReLU, preserves the variance of its input.
fn he_conv(sizes: Conv, device: &Device) -> Conv2d {
    let fan_in = sizes.channels[0] * sizes.kernel[0] * sizes.kernel[1];
    let std = (2.0 / fan_in as f64).sqrt();
    let mut layer = conv(sizes, device);
    let shape = layer.weight.lazy_shape();
    layer.weight = Initializer::Normal { mean: 0.0, std }.init(shape, device);
    layer
}

/// The residual image tower.
#[derive(Module, Debug)]
pub struct ModifiedResNet {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    conv3: Conv2d,
    bn3: BatchNorm,
    layer1: Vec<Bottleneck>,
    layer2: Vec<Bottleneck>,
    layer3: Vec<Bottleneck>,
    layer4: Vec<Bottleneck>,
    attnpool: AttentionPool,
}

impl ModifiedResNet {
    /// Maps `images` `[N, 3, R, R]`, normalised by the tower's mean and deviation (see
    /// `preprocess.rs`), to features `[N, E]`, not normalised.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = relu(convolve_normalized(&self.conv1, &self.bn1, images));
        let x = relu(convolve_normalized(&self.conv2, &self.bn2, x));
        let x = relu(convolve_normalized(&self.conv3, &self.bn3, x));
        let stages = [&self.layer1, &self.layer2, &self.layer3, &self.layer4];
        let blocks = stages.into_iter().flatten();
        let x = blocks.fold(halve(x), |x, block| block.forward(x));
        self.attnpool.forward(x)
    }
}

/// `relu(downsample(x) + norm(conv(halve(relu(norm(conv(relu(norm(conv(x)))))))))`; the first block
/// of a stage halves the resolution.
#[derive(Module, Debug)]
struct Bottleneck {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    conv3: Conv2d,
    bn3: BatchNorm,
    downsample: Option<Downsample>,
    halves: bool,
}

/// The shortcut of a block that changes the number of channels.
#[derive(Module, Debug)]
struct Downsample {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Bottleneck {
    fn new(inputs: usize, channels: usize, halves: bool, device: &Device) -> Self {
        let outputs = channels * EXPANSION;
        let mut bn3 = BatchNorm::new(outputs, EPSILON, device);
        bn3.weight = Initializer::Zeros.init([outputs], device);
        Self {
            conv1: he_conv(Conv::same(inputs, channels, 1), device),
            bn1: BatchNorm::new(channels, EPSILON, device),
            conv2: he_conv(Conv::same(channels, channels, 3), device),
            bn2: BatchNorm::new(channels, EPSILON, device),
            conv3: he_conv(Conv::same(channels, outputs, 1), device),
            bn3,
            downsample: (halves || inputs != outputs).then(|| Downsample {
                conv: he_conv(Conv::same(inputs, outputs, 1), device),
                norm: BatchNorm::new(outputs, EPSILON, device),
            }),
            halves,
        }
    }

    /// `[N, C, R, R]` to `[N, C', R, R]`, or to half the resolution.
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let sized = |x: Tensor<4>| match self.halves {
            true => halve(x),
            false => x,
        };
        let y = relu(convolve_normalized(&self.conv1, &self.bn1, x.clone()));
        let y = relu(convolve_normalized(&self.conv2, &self.bn2, y));
        let y = convolve_normalized(&self.conv3, &self.bn3, sized(y));
        let around = match &self.downsample {
            Some(downsample) => convolve_normalized(&downsample.conv, &downsample.norm, sized(x)),
            None => x,
        };
        relu(y + around)
    }
}

/// Attention pooling: the mean over all positions is the query.
#[derive(Module, Debug)]
struct AttentionPool {
    /// `[1 + positions, width]`.
    positional_embedding: Param<Tensor<2>>,
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    c_proj: Linear,
    heads: usize,
}

impl AttentionPool {
    fn new(config: &ModifiedResNetConfig, device: &Device) -> Self {
        let places = (config.resolution / 32).pow(2);
        let width = 32 * config.width;
        let std = (width as f64).powf(-0.5);
        let linear = |outputs: usize| Linear::new(width, outputs, std, device);
        Self {
            positional_embedding: Initializer::Normal { mean: 0.0, std }
                .init([places + 1, width], device),
            q_proj: linear(width),
            k_proj: linear(width),
            v_proj: linear(width),
            c_proj: linear(config.embed_dim),
            heads: config.heads,
        }
    }

    /// `[N, width, R/32, R/32]` to `[N, E]`.
    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let [n, width, ..] = x.dims();
        let places = x.flatten::<3>(2, 3).swap_dims(1, 2);
        let x = Tensor::cat(vec![places.clone().mean_dim(1), places], 1)
            + self.positional_embedding.val().unsqueeze();
        let head_width = width / self.heads;
        let split = |x: Tensor<3>| {
            let [n, tokens, _] = x.dims();
            x.reshape([n, tokens, self.heads, head_width])
                .swap_dims(1, 2)
        };
        let query = split(self.q_proj.forward(x.clone().narrow(1, 0, 1)));
        let key = split(self.k_proj.forward(x.clone()));
        let value = split(self.v_proj.forward(x));
        let scale = (head_width as f64).powf(-0.5);
        let logits = (query * scale).matmul(key.swap_dims(2, 3));
        let pooled = softmax(logits, 3).matmul(value).swap_dims(1, 2);
        self.c_proj.forward(pooled.reshape([n, width]))
    }
}
