//! Pictures to latents.

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

/// Steps of refinement that pay where nothing else is asked for.
pub const REFINEMENT_STEPS: u32 = 20;
/// First step of the latent's refinement, in units of `w`; the last is next to nothing.
const LEARNING_RATE: f64 = 0.07;
/// What it costs to leave the encoder's latent, where edits are known to work, by the squared distance.
const DISTANCE_WEIGHT: f64 = 0.01;
/// Halvings of the picture at which it is compared.
const SCALES: usize = 5;
/// Steps from the mean latent where there is no encoder, besides those of refinement.
const STEPS_FROM_MEAN: u32 = 200;
/// Channels of the picture and of what the generator makes of the latent before.
const RESTYLE_INPUTS: usize = 6;
/// Passes of a ReStyle encoder over a picture (Alaluf et al. 2021, arXiv 2104.02699).
const RESTYLE_PASSES: usize = 5;

/// What finds the latent of a picture at once.
#[derive(Debug)]
pub(super) enum PictureEncoder {
    /// One latent for all layers; trained beside the generator.
    Residual(Box<ResidualEncoder>),
    /// A latent for every layer, less the mean of `w`.
    Layered(Box<Encoder>),
    /// ReStyle's: what to add to a latent, from the picture and what the latent gives.
    Iterative(Box<Encoder>),
}

impl PictureEncoder {
    /// The encoder of a bundle; none where it has none.
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

    /// Side of the pictures that it reads.
    fn side(&self, config: &BundleConfig) -> usize {
        match self {
            Self::Residual(_) => config.generator.resolution(),
            Self::Layered(encoder) | Self::Iterative(encoder) => encoder.resolution(),
        }
    }

    /// The latent `[1, L, D]` of a picture `[1, 3, R, R]` in ±1; `draw` makes pictures of latents.
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
    /// Finds the latent of an aligned square picture by the bundle's encoder, then by `refine` steps
    /// down the slope of the picture's error. Without an encoder, 200 steps more lead there from the
    /// mean latent.
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

    /// The person of a picture on the background that the bundle knows.
    fn on_background<'a>(&self, picture: &'a RgbImage) -> Cow<'a, RgbImage> {
        let Some(color) = self.config.background else {
            return Cow::Borrowed(picture);
        };
        let mut picture = picture.clone();
        let mask = self.person_mask().mask(&picture);
        fill_background(&mut picture, &mask, color);
        Cow::Owned(picture)
    }

    /// Steps of Adam from a latent `[1, L, D]` towards one whose picture is more like `picture`.
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

/// A square picture at another size.
fn at_side(picture: &RgbImage, side: u32) -> RgbImage {
    match picture.dimensions() == (side, side) {
        true => picture.clone(),
        false => resize(picture, side, side, Filter::Lanczos),
    }
}
