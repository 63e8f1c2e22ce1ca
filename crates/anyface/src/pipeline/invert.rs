//! Inversion of pictures to latents.

use std::borrow::Cow;

use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::{Device, Tensor};
use image::RgbImage;

use super::descent::descend;
use super::{Engine, Latent};
use crate::Error;
use crate::bundle::{Bundle, BundleConfig};
use crate::image::{Filter, resize, resize_bicubic_tensor, to_tensor};
use crate::inversion::{Encoder, ResidualEncoder};
use crate::layers::halve;
use crate::segmentation::fill_background;
use crate::stylegan2::broadcast;

/// Recommended number of refinement steps.
pub const REFINEMENT_STEPS: u32 = 20;
/// Initial step size of the refinement, in units of `w`; it decays to nearly 0.
const LEARNING_RATE: f64 = 0.07;
/// Weight of the squared distance from the encoder's latent, near which edits work well.
const DISTANCE_WEIGHT: f64 = 0.01;
/// Number of scales, each half the previous, at which images are compared.
const SCALES: usize = 5;
/// Additional steps from the mean latent, without an encoder.
const STEPS_FROM_MEAN: u32 = 200;
/// Channels of the picture and of the generator's image of the previous latent.
const RESTYLE_INPUTS: usize = 6;
/// Passes of a ReStyle encoder over a picture (Alaluf et al. 2021, arXiv 2104.02699).
const RESTYLE_PASSES: usize = 5;

/// An encoder from a picture to a latent.
#[derive(Debug)]
pub(super) enum PictureEncoder {
    /// One latent for all layers, from the encoder trained together with the generator.
    Residual(Box<ResidualEncoder>),
    /// One latent per layer, relative to the mean of `w`.
    Layered(Box<Encoder>),
    /// ReStyle: a change of a latent, given the picture and the latent's image.
    Iterative(Box<Encoder>),
}

impl PictureEncoder {
    /// Loads the encoder of a bundle, if it has one.
    pub(super) fn load(
        bundle: &Bundle,
        config: &BundleConfig,
        device: &Device,
    ) -> Result<Option<Self>, Error> {
        Ok(match (&config.residual_encoder, &config.inversion) {
            (Some(residual), _) => Some(Self::Residual(Box::new(
                bundle.network("residual_encoder", residual.init(device))?,
            ))),
            (None, Some(layered)) => {
                let encoder = bundle.network("inversion", layered.init(device))?;
                Some(match layered.backbone.inputs {
                    RESTYLE_INPUTS => Self::Iterative(Box::new(encoder)),
                    _ => Self::Layered(Box::new(encoder)),
                })
            }
            (None, None) => None,
        })
    }

    /// Side of the encoder's input in pixels.
    fn side(&self, config: &BundleConfig) -> usize {
        match self {
            Self::Residual(_) => config.generator.resolution(),
            Self::Layered(encoder) | Self::Iterative(encoder) => encoder.resolution(),
        }
    }

    /// The latent `[1, L, D]` of a picture `[1, 3, R, R]` from −1 to 1; `draw` generates the image
    /// of a latent.
    fn find(
        &self,
        picture: Tensor<4>,
        mean: Tensor<3>,
        draw: impl Fn(Tensor<3>) -> Tensor<4>,
    ) -> Tensor<3> {
        match self {
            Self::Residual(encoder) => {
                let [_, num_ws, _] = mean.dims();
                broadcast(encoder.forward(picture), num_ws)
            }
            Self::Layered(encoder) => encoder.forward(picture) + mean,
            Self::Iterative(encoder) => (0..RESTYLE_PASSES).fold(mean, |w_plus, _| {
                let drawn = resize_bicubic_tensor(draw(w_plus.clone()), encoder.resolution());
                encoder.forward(Tensor::cat(vec![picture.clone(), drawn], 1)) + w_plus
            }),
        }
    }
}

impl Engine {
    /// Inverts an aligned square picture with the bundle's encoder, followed by `refine` steps of
    /// gradient descent on the image error. Without an encoder, it starts from the mean latent and
    /// takes 200 more steps.
    ///
    /// ```
    /// use anyface::Engine;
    ///
    /// let engine = Engine::builtin()?;
    /// let picture = engine.draw(&engine.random_face(3, engine.config().truncation));
    /// let latent = engine.invert(&picture, 2);
    /// assert_eq!(latent.w_plus.dims(), [1, 12, 256]);
    /// # Ok::<(), anyface::Error>(())
    /// ```
    pub fn invert(&self, picture: &RgbImage, refine: u32) -> Latent {
        let w_avg = self.generator.mapping.w_avg.val().unsqueeze::<2>();
        let mean = broadcast(w_avg, self.config.generator.num_ws());
        let Some(encoder) = &self.encoder else {
            return self.refine(mean, picture, STEPS_FROM_MEAN + refine);
        };
        let picture = &self.on_background(picture);
        let side = encoder.side(&self.config) as u32;
        let input = to_tensor(&[&at_side(picture, side)], &self.device);
        let draw = |w_plus| self.synthesis.forward(w_plus, self.config.noise.noise());
        self.refine(encoder.find(input, mean, draw), picture, refine)
    }

    /// Puts the person of a picture in front of the bundle's background, if it has one.
    fn on_background<'a>(&self, picture: &'a RgbImage) -> Cow<'a, RgbImage> {
        let Some(color) = self.config.background else {
            return Cow::Borrowed(picture);
        };
        let mut picture = picture.clone();
        let mask = self.person_mask().mask(&picture);
        fill_background(&mut picture, &mask, color);
        Cow::Owned(picture)
    }

    /// Runs Adam from a latent `[1, L, D]` to make its image more similar to `picture`.
    fn refine(&self, w_plus: Tensor<3>, picture: &RgbImage, steps: u32) -> Latent {
        if steps == 0 {
            return Latent::new(w_plus);
        }
        let device = self.device.clone().autodiff();
        let synthesis = self.generator.synthesis.clone().no_grad();
        let synthesis = synthesis.to_device(&device);
        let side = self.resolution();
        let target = to_tensor(&[&at_side(picture, side)], &device);
        let start = Tensor::<3>::from_data(w_plus.into_data(), &device);
        let loss = |w_plus: Tensor<3>| {
            let drawn = synthesis.forward(w_plus.clone(), self.config.noise.noise());
            let distance = (w_plus - start.clone()).square().mean();
            difference(drawn, target.clone()) + distance * DISTANCE_WEIGHT
        };
        let steps = steps as usize;
        let learning_rate = |step: usize| {
            let left = 1.0 - step as f64 / steps as f64;
            LEARNING_RATE * left.sqrt()
        };
        let adam = AdamConfig::new();
        Latent::new(descend(start.clone(), steps, adam, learning_rate, loss))
    }
}

/// Mean absolute difference of two batches of images `[N, C, H, W]`, summed over scales.
fn difference(a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
    let mut difference = a - b;
    let mut sum = difference.clone().abs().mean();
    for _ in 0..SCALES {
        difference = halve(difference);
        sum = sum + difference.clone().abs().mean();
    }
    sum
}

/// Resizes a square picture.
fn at_side(picture: &RgbImage, side: u32) -> RgbImage {
    match picture.dimensions() == (side, side) {
        true => picture.clone(),
        false => resize(picture, side, side, Filter::Lanczos),
    }
}
