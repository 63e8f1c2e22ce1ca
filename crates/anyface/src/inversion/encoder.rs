//! The encoder: a backbone, a feature pyramid, and one style block per latent layer.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor};

use super::StyleBlock;
use crate::identity::{IrSe, IrSeConfig};
use crate::layers::{Conv, conv, convolve};

/// How an encoder forms the latent layers.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
#[non_exhaustive]
pub enum Method {
    /// With a feature pyramid; every layer is the first layer plus an offset.
    E4e,
    /// With a feature pyramid; every layer is independent.
    Psp,
    /// Without a pyramid: every layer reads the coarsest features and is the first layer plus an
    /// offset. Runs several passes per image.
    RestyleE4e,
    /// Without a pyramid and without offsets. Runs several passes per image.
    RestylePsp,
}

impl Method {
    /// Whether layers read features finer than the coarsest.
    pub fn has_pyramid(self) -> bool {
        matches!(self, Self::E4e | Self::Psp)
    }

    /// Whether layers are offsets from the first.
    pub fn has_offsets(self) -> bool {
        matches!(self, Self::E4e | Self::RestyleE4e)
    }
}

/// Latent layers below `COARSE` read the features of 16², those below `MIDDLE` the features of 32²,
/// the others those of 64².
const COARSE: usize = 3;
const MIDDLE: usize = 7;

/// Sizes of an [`Encoder`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct EncoderConfig {
    /// How the latent layers are formed.
    pub method: Method,
    /// L, the latent layers of the generator.
    pub num_ws: usize,
    /// The backbone.
    pub backbone: IrSeConfig,
    /// R, the side of an input image in pixels.
    #[config(default = 256)]
    pub resolution: usize,
    /// Channels of the style blocks' convolutions.
    #[config(default = 512)]
    pub style_width: usize,
    /// D, the width of a latent.
    #[config(default = 512)]
    pub w_dim: usize,
}

impl EncoderConfig {
    /// Creates an encoder with random weights.
    pub fn init(&self, device: &Device) -> Encoder {
        let [_, middle, coarse, width] = self.backbone.channels;
        let pyramid = self.method.has_pyramid();
        let side = self.resolution / 16;
        let styles = (0..self.num_ws)
            .map(|layer| match layer {
                MIDDLE.. if pyramid => 4 * side,
                COARSE.. if pyramid => 2 * side,
                _ => side,
            })
            .map(|side| StyleBlock::new([width, self.style_width, self.w_dim], side, device));
        let lateral = |channels| conv(Conv::same(channels, width, 1).bias(), device);
        Encoder {
            backbone: self.backbone.init(device),
            styles: styles.collect(),
            latlayer1: pyramid.then(|| lateral(coarse)),
            latlayer2: pyramid.then(|| lateral(middle)),
            method: self.method,
            resolution: self.resolution,
        }
    }
}

/// Images to latents relative to a latent that the caller adds: the mean of `w`, or, for ReStyle,
/// the latent of the previous pass.
#[derive(Module, Debug)]
pub struct Encoder {
    backbone: IrSe,
    styles: Vec<StyleBlock>,
    latlayer1: Option<Conv2d>,
    latlayer2: Option<Conv2d>,
    #[module(skip)]
    method: Method,
    resolution: usize,
}

impl Encoder {
    /// The same weights with another method.
    #[cfg(test)]
    pub(super) fn with_method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// An encoder that outputs one latent for all layers: the first layer of this encoder plus
    /// `offset [D]`.
    ///
    /// # Panics
    /// If layers are not offsets from the first.
    pub fn uniform(mut self, offset: Tensor<1>) -> Self {
        assert!(
            self.method.has_offsets(),
            "layers must be offsets from the first"
        );
        let (first, others) = self.styles.split_at_mut(1);
        first[0].shift(offset);
        others.iter_mut().for_each(StyleBlock::set_to_zero);
        self
    }

    /// R, the side of an input image in pixels.
    pub fn resolution(&self) -> usize {
        self.resolution
    }

    /// Maps aligned images `[N, C, R, R]` from −1 to 1 to `[N, L, D]`. For ReStyle, C is 6: the
    /// image, then the generator's image of the previous latent.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let [_, fine, middle, coarse] = self.backbone.forward(images);
        let (middle, fine) = match (&self.latlayer1, &self.latlayer2) {
            (Some(latlayer1), Some(latlayer2)) => {
                let middle = upsample_add(coarse.clone(), convolve(latlayer1, middle));
                let fine = upsample_add(middle.clone(), convolve(latlayer2, fine));
                (middle, fine)
            }
            _ => (coarse.clone(), coarse.clone()),
        };
        let layers: Vec<Tensor<2>> = self
            .styles
            .iter()
            .enumerate()
            .map(|(layer, style)| {
                style.forward(match layer {
                    0..COARSE => coarse.clone(),
                    COARSE..MIDDLE => middle.clone(),
                    _ => fine.clone(),
                })
            })
            .collect();
        let latents: Tensor<3> = Tensor::stack(layers, 1);
        match self.method.has_offsets() {
            true => add_first(latents),
            false => latents,
        }
    }
}

/// Adds layer 0 of `[N, L, D]` to all other layers.
fn add_first(latents: Tensor<3>) -> Tensor<3> {
    let [_, num_ws, _] = latents.dims();
    let first = latents.clone().narrow(1, 0, 1);
    let others = latents.narrow(1, 1, num_ws - 1) + first.clone();
    Tensor::cat(vec![first, others], 1)
}

/// Upsamples `x` to the size of `y`, bilinear with aligned corners, and adds `y`: `[N, C, H, W]`.
pub(crate) fn upsample_add(x: Tensor<4>, y: Tensor<4>) -> Tensor<4> {
    let [.., height, width] = y.dims();
    let mut options = InterpolateOptions::new(InterpolateMode::Bilinear);
    options.output_size = Some([height, width]);
    interpolate(x, options) + y
}
