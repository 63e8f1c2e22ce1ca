//! The synthesis network `w_plus → image`.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::{
    Architecture, GeneratorConfig, Noise, SkipConv, SynthesisInput, SynthesisLayer, ToRgb,
};
use crate::layers::{Activation, FullyConnected, upsample_2x};

/// Weight of the learned constant in an input that also reads `w`.
const CONSTANT_SHARE: f64 = 0.5;

/// Preserves the variance of a sum of two terms.
const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// A 4×4 input and one block per resolution.
#[derive(Module, Debug)]
pub struct Synthesis {
    /// The learned constant, `[C, 4, 4]`.
    pub input: Param<Tensor<3>>,
    /// `w` to features that are added to the constant, `[D] → [C·4·4]`; `None` in StyleGAN2.
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

    /// L, the number of latent layers.
    pub fn num_ws(&self) -> usize {
        2 * self.blocks.len()
    }

    /// Maps `w_plus [N, L, D]` to images `[N, 3, R, R]`, nominally from −1 to 1 but not clamped.
    pub fn forward(&self, w_plus: Tensor<3>, noise: Noise<'_>) -> Tensor<4> {
        self.forward_with(w_plus, noise, |_, _| ())
    }

    /// Like [`Synthesis::forward`]. For every block with colours (all blocks in the architecture
    /// `skip`), `show` receives its index and images `[N, 3, 4·2^block, 4·2^block]`, coarser
    /// versions of the final ones.
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

    /// Whether the architecture is `skip`.
    pub(super) fn is_skip(&self) -> bool {
        self.blocks.iter().all(|block| block.torgb.is_some())
    }
}

/// The input features of the first block, `[N, C, 4, 4]`: the `constant [C, 4, 4]`, or half of it
/// plus the output of `affine` on the first layer of `w_plus [N, L, D]`.
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

/// One resolution: an upsampling and a plain convolution (at 4² only the plain one). In the
/// architecture `skip`, its colours are added to the upsampled image of the previous block.
#[derive(Module, Debug)]
pub struct SynthesisBlock {
    /// The upsampling convolution.
    pub conv0: Option<SynthesisLayer>,
    /// The plain convolution.
    pub conv1: SynthesisLayer,
    /// The residual connection, above 4² in the architecture `resnet`.
    pub skip: Option<SkipConv>,
    /// To-RGB layer; in every block of the architecture `skip`, else only in the last block.
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

    /// Maps features `x` and the image of the previous block to those of this block. Block `level`
    /// uses the latent layers `2·level − 1 ..= 2·level + 1` of `w_plus [N, L, D]`; it shares the
    /// last with the next block.
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
