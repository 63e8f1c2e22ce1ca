//! The synthesis network `w_plus → image`.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::{
    Architecture, GeneratorConfig, Noise, SkipConv, SynthesisInput, SynthesisLayer, ToRgb,
};
use crate::layers::{Activation, FullyConnected, upsample_2x};

/// Share of the learned constant in an input that also reads `w`.
const CONSTANT_SHARE: f64 = 0.5;

/// Keeps the variance of a sum of two.
const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// A learned 4×4 input and one block for every resolution.
#[derive(Module, Debug)]
pub struct Synthesis {
    /// The learned constant, `[C, 4, 4]`.
    pub input: Param<Tensor<3>>,
    /// From `w` to features that are added to the constant, `[D] → [C·4·4]`; none in StyleGAN2.
    pub input_affine: Option<FullyConnected>,
    /// Blocks of 4², 8², … R².
    pub blocks: Vec<SynthesisBlock>,
}

impl Synthesis {
    pub(super) fn new(config: &GeneratorConfig, device: &Device) -> Self {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        let blocks = (0..config.channels.len())
            .map(|level| SynthesisBlock::new(config, level, device))
            .collect();
        let channels = config.channels[0];
        let input_affine = match config.input {
            Some(SynthesisInput::W) => Some(FullyConnected::new(
                config.w_dim,
                channels * 16,
                1.0,
                Activation::Linear,
                device,
            )),
            Some(SynthesisInput::Constant) | None => None,
        };
        Self {
            input: normal.init([channels, 4, 4], device),
            input_affine,
            blocks,
        }
    }

    /// Latent layers, L.
    pub fn num_ws(&self) -> usize {
        2 * self.blocks.len()
    }

    /// `w_plus [N, L, D]` to images `[N, 3, R, R]`, nominally in [-1, 1] but not limited to it.
    pub fn forward(&self, w_plus: Tensor<3>, noise: Noise<'_>) -> Tensor<4> {
        self.forward_with(w_plus, noise, |_, _| ())
    }

    /// As [`Synthesis::forward`]; `show` sees the number of every block that has images and these,
    /// `[N, 3, 4·2^block, 4·2^block]`, each a coarser version of the last: of all blocks in the
    /// architecture `skip`.
    pub fn forward_with(
        &self,
        w_plus: Tensor<3>,
        mut noise: Noise<'_>,
        mut show: impl FnMut(usize, &Tensor<4>),
    ) -> Tensor<4> {
        let mut x = first_features(self.input.val(), self.input_affine.as_ref(), &w_plus);
        let mut image = None;
        for (level, block) in self.blocks.iter().enumerate() {
            let (features, colours) = block.forward(x, image, w_plus.clone(), level, &mut noise);
            x = features;
            if let Some(colours) = &colours {
                show(level, colours);
            }
            image = colours;
        }
        image.expect("the last block has colours")
    }

    /// Whether it is of the architecture `skip`.
    pub(super) fn is_skip(&self) -> bool {
        self.blocks.iter().all(|block| block.torgb.is_some())
    }
}

/// The features that the first block reads, `[N, C, 4, 4]`: the `constant [C, 4, 4]`, or half of it and what `affine` makes
/// of the first layer of `w_plus [N, L, D]`.
pub(super) fn first_features(
    constant: Tensor<3>,
    affine: Option<&FullyConnected>,
    w_plus: &Tensor<3>,
) -> Tensor<4> {
    let [n, ..] = w_plus.dims();
    let [c, height, width] = constant.dims();
    let constant = constant.unsqueeze::<4>().expand([n, c, height, width]);
    let Some(affine) = affine else {
        return constant;
    };
    let w = w_plus.clone().narrow(1, 0, 1).squeeze_dim::<2>(1);
    constant * CONSTANT_SHARE + affine.forward(w).reshape([n, c, height, width])
}

/// One resolution: an upsampling and a plain convolution (only the plain one at 4²), and in the
/// architecture `skip` colours added to the upsampled image of the block before.
#[derive(Module, Debug)]
pub struct SynthesisBlock {
    /// The upsampling convolution.
    pub conv0: Option<SynthesisLayer>,
    /// The plain convolution.
    pub conv1: SynthesisLayer,
    /// Past the convolutions; in the architecture `resnet` only, above 4².
    pub skip: Option<SkipConv>,
    /// Features to colours; in the architecture `skip`, and in the last block of all.
    pub torgb: Option<ToRgb>,
}

impl SynthesisBlock {
    fn new(config: &GeneratorConfig, level: usize, device: &Device) -> Self {
        let channels = config.channels[level];
        let resolution = 4 << level;
        let architecture = config.architecture();
        let is_last = level + 1 == config.channels.len();
        let has_colours = is_last || architecture == Architecture::Skip;
        let has_skip = level > 0 && architecture == Architecture::Resnet;
        let conv = |d_input: usize, up: bool| {
            SynthesisLayer::new(
                [d_input, channels],
                config.w_dim,
                resolution,
                up,
                config.conv_clamp,
                device,
            )
        };
        Self {
            conv0: (level > 0).then(|| conv(config.channels[level - 1], true)),
            conv1: conv(channels, false),
            skip: has_skip.then(|| SkipConv::new(config.channels[level - 1], channels, device)),
            torgb: has_colours
                .then(|| ToRgb::new(channels, config.w_dim, config.conv_clamp, device)),
        }
    }

    /// Features `x` and the image of the block below, to those of this block. Block `level` uses the latent layers
    /// `2·level − 1 ..= 2·level + 1` of `w_plus [N, L, D]`; it shares the last with the next block.
    pub fn forward(
        &self,
        x: Tensor<4>,
        image: Option<Tensor<4>>,
        w_plus: Tensor<3>,
        level: usize,
        noise: &mut Noise<'_>,
    ) -> (Tensor<4>, Option<Tensor<4>>) {
        let layer = |index: usize| w_plus.clone().narrow(1, index, 1).squeeze_dim::<2>(1);
        let past = self.skip.as_ref().map(|skip| skip.forward(x.clone()));
        let x = match &self.conv0 {
            Some(conv0) => conv0.forward(x, layer(2 * level - 1), noise),
            None => x,
        };
        let x = self.conv1.forward(x, layer(2 * level), noise);
        let x = match past {
            Some(past) => (x + past) * SQRT_HALF,
            None => x,
        };
        let colours = self
            .torgb
            .as_ref()
            .map(|torgb| torgb.forward(x.clone(), layer(2 * level + 1)));
        let image = match (image, colours) {
            (Some(image), Some(colours)) => Some(upsample_2x(image) + colours),
            (_, colours) => colours,
        };
        (x, image)
    }
}
