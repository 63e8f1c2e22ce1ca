//! Pictures to latents.

use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use image::RgbImage;

use super::{Engine, Latent};
use crate::Error;
use crate::bundle::{Bundle, BundleConfig};
use crate::image::{Filter, resize, to_tensor};
use crate::inversion::{Encoder, ResidualEncoder};
use crate::layers::halve;
use crate::stylegan2::{Generator, Noise, broadcast};

/// Steps of refinement that pay where nothing else is asked for.
pub const REFINEMENT_STEPS: u32 = 20;
/// First step of the latent's refinement, in units of `w`; the last is next to nothing.
const LEARNING_RATE: f64 = 0.07;
/// What it costs to leave the encoder's latent, where edits are known to work, by the squared distance.
const DISTANCE_WEIGHT: f64 = 0.01;
/// Halvings of the picture at which it is compared.
const SCALES: usize = 5;

/// What refinement moves.
#[derive(Module, Debug)]
struct Refined {
    /// `[1, L, D]`.
    w_plus: Param<Tensor<3>>,
}

/// What finds the latent of a picture at once.
#[derive(Debug)]
pub(super) enum PictureEncoder {
    /// One latent for all layers; trained beside the generator.
    Residual(Box<ResidualEncoder>),
    /// A latent for every layer, less the mean of `w`.
    Layered(Box<Encoder>),
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
            (None, Some(layered)) => Some(Self::Layered(Box::new(
                bundle.network("inversion", layered.init(device))?,
            ))),
            (None, None) => None,
        })
    }

    /// Side of the pictures that it reads.
    fn side(&self, config: &BundleConfig) -> usize {
        match self {
            Self::Residual(_) => config.generator.resolution(),
            Self::Layered(encoder) => encoder.resolution(),
        }
    }

    /// The latent `[1, L, D]` of a picture `[1, 3, R, R]` in ±1.
    fn find(&self, picture: Tensor<4>, generator: &Generator) -> Tensor<3> {
        match self {
            Self::Residual(encoder) => {
                broadcast(encoder.forward(picture), generator.synthesis.num_ws())
            }
            Self::Layered(encoder) => {
                encoder.forward(picture) + generator.mapping.w_avg.val().unsqueeze::<3>()
            }
        }
    }
}

impl Engine {
    /// Finds the latent of an aligned square picture by the bundle's encoder, then by `refine` steps down the slope of
    /// the picture's error.
    ///
    /// ```
    /// use anyface::Engine;
    ///
    /// let engine = Engine::builtin()?;
    /// let picture = engine.draw(&engine.random_face(3, engine.config().truncation));
    /// let latent = engine.invert(&picture, 2)?;
    /// assert_eq!(latent.w_plus.dims(), [1, 12, 256]);
    /// # Ok::<(), anyface::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Bundle`] when the bundle has no encoder.
    pub fn invert(&self, picture: &RgbImage, refine: u32) -> Result<Latent, Error> {
        let encoder = self.encoder.as_ref().ok_or_else(|| Error::Bundle {
            file: "config.json".to_owned(),
            reason: "this bundle has no encoder from pictures to latents: neither `inversion` nor \
                     `residual_encoder`"
                .to_owned(),
        })?;
        let side = encoder.side(&self.config) as u32;
        let input = to_tensor(&[&at_side(picture, side)], &self.device);
        let latent = Latent {
            w_plus: encoder.find(input, &self.generator),
        };
        Ok(self.refine(latent, picture, refine))
    }

    /// Steps of Adam from a latent towards one whose picture is more like `picture`.
    fn refine(&self, latent: Latent, picture: &RgbImage, steps: u32) -> Latent {
        if steps == 0 {
            return latent;
        }
        let device = self.device.clone().autodiff();
        let synthesis = self.generator.synthesis.clone().no_grad();
        let synthesis = synthesis.to_device(&device);
        let side = self.resolution();
        let target = to_tensor(&[&at_side(picture, side)], &device);
        let start = Tensor::<3>::from_data(latent.w_plus.into_data(), &device);

        let mut refined = Refined {
            w_plus: Param::from_tensor(start.clone()),
        };
        let mut optimizer = AdamConfig::new().init();
        for step in 0..steps {
            let w_plus = refined.w_plus.val();
            let drawn = synthesis.forward(w_plus.clone(), Noise::None);
            let distance = (w_plus - start.clone()).square().mean();
            let loss = difference(drawn, target.clone()) + distance * DISTANCE_WEIGHT;
            let gradients = GradientsParams::from_grads(loss.backward(), &refined);
            let left = 1.0 - f64::from(step) / f64::from(steps);
            refined = optimizer.step(LEARNING_RATE * left.sqrt(), refined, gradients);
        }
        Latent {
            w_plus: refined.w_plus.val().inner(),
        }
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
