//! The network and its sizes.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::relu;
use burn::tensor::module::{avg_pool2d, interpolate, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor};

use super::graph::{self, BLOCKS, Pool, STEM, STEM_POOLS, Step};
use crate::layers::{BatchNorm, Conv, Linear, conv, convolve};

/// Side of the network's input in pixels.
const SIDE: usize = 299;

/// ε of the batch norms.
const EPSILON: f64 = 1e-3;

/// Sizes of an [`Inception`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct InceptionConfig {
    /// Channels of each convolution in graph order: the stem, then each block branch by branch.
    pub channels: Vec<usize>,
    /// Number of classes; the distance does not use them.
    pub classes: usize,
}

impl InceptionConfig {
    /// Creates a network with random weights.
    ///
    /// # Panics
    /// If the number of channels differs from the number of convolutions in the graph.
    pub fn init(&self, device: &Device) -> Inception {
        let mut channels = self.channels.iter().copied();
        let mut width = 3;
        let mut unit = |step: &Step, inputs: &mut usize| {
            let outputs = channels.next().expect("one number per convolution");
            let inputs = std::mem::replace(inputs, outputs);
            Unit::new(step, [inputs, outputs], device)
        };
        let stem = STEM.iter().map(|step| unit(step, &mut width)).collect();
        let blocks = BLOCKS.map(|block| {
            let mut joined = 0;
            let branches = block.branches.iter().map(|branch| {
                let mut inner = width;
                let side_by_side = branch.steps.len() - if branch.splits { 2 } else { 0 };
                let mut units: Vec<Unit> = branch.steps[..side_by_side]
                    .iter()
                    .map(|step| unit(step, &mut inner))
                    .collect();
                let before = inner;
                for step in &branch.steps[side_by_side..] {
                    inner = before;
                    units.push(unit(step, &mut inner));
                    joined += inner;
                }
                joined += if branch.splits { 0 } else { inner };
                Branch { units }
            });
            let branches = branches.collect();
            width = joined;
            Block { branches }
        });
        Inception {
            stem,
            blocks: blocks.into(),
            fc: Linear::new(width, self.classes, (width as f64).powf(-0.5), device),
        }
    }
}

/// A convolution, batch norm and ReLU.
#[derive(Module, Debug)]
struct Unit {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Unit {
    fn new(step: &Step, channels: [usize; 2], device: &Device) -> Self {
        let [height, width] = step.kernel;
        let padding = if step.padded {
            [height / 2, width / 2]
        } else {
            [0, 0]
        };
        let layer = Conv {
            channels,
            kernel: step.kernel,
            stride: step.stride,
            padding,
            groups: 1,
            bias: false,
        };
        Self {
            conv: conv(layer, device),
            norm: BatchNorm::new(channels[1], EPSILON, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        relu(self.norm.forward(convolve(&self.conv, x)))
    }
}

#[derive(Module, Debug)]
struct Branch {
    units: Vec<Unit>,
}

impl Branch {
    /// `[N, C, H, W]` to the outputs to be concatenated.
    fn forward(&self, shape: &graph::Branch, x: Tensor<4>) -> Vec<Tensor<4>> {
        let x = pool(shape.pool, x);
        let apply = |x: Tensor<4>, unit: &Unit| unit.forward(x);
        match (shape.splits, self.units.as_slice()) {
            (true, [units @ .., a, b]) => {
                let x = units.iter().fold(x, apply);
                vec![a.forward(x.clone()), b.forward(x)]
            }
            (_, units) => vec![units.iter().fold(x, apply)],
        }
    }
}

#[derive(Module, Debug)]
struct Block {
    branches: Vec<Branch>,
}

/// The network.
#[derive(Module, Debug)]
pub struct Inception {
    stem: Vec<Unit>,
    blocks: Vec<Block>,
    fc: Linear,
}

impl Inception {
    /// Maps images `[N, 3, H, W]` from 0 to 1, of any size, to features `[N, 2048]` like
    /// pytorch-fid: bilinear resize to 299 pixels, then the mean over the last block's pixels.
    pub fn features(&self, images: Tensor<4>) -> Tensor<2> {
        let options = InterpolateOptions::new(InterpolateMode::Bilinear)
            .with_align_corners(false)
            .with_output_size([SIDE; 2]);
        self.forward(interpolate(images, options) * 2.0 - 1.0)
    }

    /// Maps images `[N, 3, 299, 299]` from −1 to 1 to features `[N, 2048]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.blocks_from(self.stem(images), 0..BLOCKS.len());
        let [n, c, h, w] = x.dims();
        x.reshape([n, c, h * w]).mean_dim(2).squeeze_dim(2)
    }

    /// Maps features `[N, 2048]` to class logits `[N, 1008]`.
    pub fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.fc.forward(features)
    }

    pub(super) fn stem(&self, images: Tensor<4>) -> Tensor<4> {
        let units = self.stem.iter().enumerate();
        units.fold(images, |x, (index, unit)| {
            let x = unit.forward(x);
            match STEM_POOLS.contains(&index) {
                true => pool(Pool::Halve, x),
                false => x,
            }
        })
    }

    pub(super) fn blocks_from(&self, x: Tensor<4>, range: std::ops::Range<usize>) -> Tensor<4> {
        let blocks = self.blocks[range.clone()].iter().zip(&BLOCKS[range]);
        blocks.fold(x, |x, (block, shape)| {
            let branches = block.branches.iter().zip(shape.branches);
            let outputs = branches.flat_map(|(branch, shape)| branch.forward(shape, x.clone()));
            Tensor::cat(outputs.collect(), 1)
        })
    }
}

fn pool(pool: Pool, x: Tensor<4>) -> Tensor<4> {
    let max = MaxPoolOptions::new([3, 3]);
    match pool {
        Pool::None => x,
        Pool::Mean => {
            let mean = AvgPoolOptions::new([3, 3]).with_stride([1, 1]);
            avg_pool2d(x, mean.with_padding([1, 1]).with_count_include_pad(false))
        }
        Pool::Max => max_pool2d(x, max.with_stride([1, 1]).with_padding([1, 1])),
        Pool::Halve => max_pool2d(x, max.with_stride([2, 2])),
    }
}
