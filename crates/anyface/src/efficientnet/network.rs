//! The network: a stem, then inverted residuals.

use anyface_kernels::Activation;
use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::block::{BlockShape, FrozenConv, InvertedResidual};
use super::frozen::frozen_blocks;
use super::packed::Packed;
use crate::layers::runs_on_flex;

/// A run of blocks of one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// Number of blocks.
    pub blocks: usize,
    /// Side of the depthwise kernels.
    pub kernel: usize,
    /// Stride of the first block; the others keep the resolution.
    pub stride: usize,
    /// Ratio of a block's inner channels to its input channels.
    pub expansion: usize,
    /// Whether the output of the stage is a feature tap.
    pub is_tap: bool,
}

/// The stages of Lite0 (timm `_gen_efficientnet_lite`).
pub const STAGES: [Stage; 7] = [
    stage(1, 3, 1, 1, false),
    stage(2, 3, 2, 6, true),
    stage(2, 5, 2, 6, true),
    stage(3, 3, 2, 6, false),
    stage(3, 5, 1, 6, true),
    stage(4, 5, 2, 6, false),
    stage(1, 3, 1, 6, true),
];

const fn stage(
    blocks: usize,
    kernel: usize,
    stride: usize,
    expansion: usize,
    is_tap: bool,
) -> Stage {
    Stage {
        blocks,
        kernel,
        stride,
        expansion,
        is_tap,
    }
}

/// Widths of an [`EfficientNetLite0`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct EfficientNetLite0Config {
    /// Channels after the stem.
    #[config(default = 32)]
    pub stem: usize,
    /// Channels after each of the [`STAGES`].
    #[config(default = "[16, 24, 40, 80, 112, 192, 320]")]
    pub channels: [usize; 7],
}

impl EfficientNetLite0Config {
    /// Creates a network with random weights, which get no gradient.
    pub fn init(&self, device: &Device) -> EfficientNetLite0 {
        let mut inputs = self.stem;
        let mut blocks = Vec::new();
        for (stage, &outputs) in STAGES.iter().zip(&self.channels) {
            for index in 0..stage.blocks {
                let stride = if index == 0 { stage.stride } else { 1 };
                let shape = BlockShape {
                    inputs,
                    outputs,
                    kernel: stage.kernel,
                    stride,
                    expansion: stage.expansion,
                };
                blocks.push(InvertedResidual::new(shape, device));
                inputs = outputs;
            }
        }
        EfficientNetLite0 {
            stem: FrozenConv::new([self.stem, 3, 3, 3], device),
            blocks,
            packed: Packed::default(),
        }
    }
}

/// EfficientNet-Lite0 up to 1/32 of the resolution, with batch norms folded into the convolutions.
/// Its weights are frozen: gradients flow only to the images.
#[derive(Module, Debug)]
pub struct EfficientNetLite0 {
    stem: FrozenConv,
    blocks: Vec<InvertedResidual>,
    #[module(skip)]
    packed: Packed,
}

impl EfficientNetLite0 {
    /// Features of `images [N, 3, R, R]` from −1 to 1, R a multiple of 32, after stages 1, 2, 4
    /// and 6. For Lite0: `[N, 24, R/4, R/4]`, `[N, 40, R/8, R/8]`, `[N, 112, R/16, R/16]`,
    /// `[N, 320, R/32, R/32]`. The CPU backend uses `anyface-kernels`; the first call packs the
    /// weights.
    pub fn taps(&self, images: Tensor<4>) -> [Tensor<4>; 4] {
        let runs = self.runs();
        let packed = runs_on_flex(&images).then(|| self.packed.of(&runs));
        let mut x = images;
        std::array::from_fn(|index| {
            x = match &packed {
                Some(packed) => frozen_blocks(x.clone(), packed[index].clone()),
                None => runs[index].forward(x.clone()),
            };
            x.clone()
        })
    }

    /// The blocks between consecutive taps.
    fn runs(&self) -> [Run<'_>; 4] {
        let mut stem = Some(&self.stem);
        let mut blocks = &self.blocks[..];
        let mut stages = STAGES.iter();
        std::array::from_fn(|_| {
            let mut count = 0;
            for stage in stages.by_ref() {
                count += stage.blocks;
                if stage.is_tap {
                    break;
                }
            }
            let (run, others) = blocks.split_at(count);
            blocks = others;
            Run {
                stem: stem.take(),
                blocks: run,
            }
        })
    }
}

/// The blocks between two consecutive taps.
pub(super) struct Run<'a> {
    pub(super) stem: Option<&'a FrozenConv>,
    pub(super) blocks: &'a [InvertedResidual],
}

impl<'a> Run<'a> {
    /// All convolutions in order.
    pub(super) fn convs(&self) -> impl Iterator<Item = &'a FrozenConv> + use<'a> {
        let blocks = self.blocks.iter().flat_map(|block| {
            let parts = [&block.depthwise, &block.project];
            block.expand.iter().chain(parts)
        });
        self.stem.into_iter().chain(blocks)
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = match self.stem {
            Some(stem) => stem.convolve(x, 2, Activation::Relu6),
            None => x,
        };
        self.blocks.iter().fold(x, |x, block| block.forward(x))
    }
}
