//! The networks of a GAN.

use anyface::inversion::ResidualEncoder;
use anyface::stylegan2::{Generator, Noise, broadcast};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::config::{FINEST_TAP, GanConfig};
use super::discriminator::Discriminator;
use super::mixing;
use super::running_gaussian::RunningGaussian;
use super::views::View;
use crate::error::Result;
use crate::run::load_fitting;

/// Scale of the initial RGB layer of a new block.
const NEW_BLOCK: f64 = 0.1;

/// Generator, encoder, the discriminators of each view, and the distribution of `w`.
#[derive(Module, Debug)]
pub(super) struct Gan {
    pub(super) generator: Generator,
    pub(super) encoder: ResidualEncoder,
    /// One per kind of [`View`].
    pub(super) discriminators: Vec<Discriminator>,
    pub(super) latents: RunningGaussian,
}

impl Gan {
    /// Random networks, or the matching weights of the run to start from. A block that this run
    /// does not have starts with a small RGB output.
    ///
    /// # Errors
    /// The run to start from cannot be read.
    pub(super) fn start(config: &GanConfig, device: &Device) -> Result<Self> {
        let discriminator = || Discriminator::new(&mixing::CHANNELS, FINEST_TAP, device);
        let fresh = Self {
            generator: config.generator().init(device),
            encoder: config.encoder().init(device),
            discriminators: (0..View::COUNT).map(|_| discriminator()).collect(),
            latents: RunningGaussian::new(config.model.w_dim, device),
        };
        match &config.model.start {
            Some(run) => load_fitting(run, fresh.with_faint_last_block()),
            None => Ok(fresh),
        }
    }

    fn with_faint_last_block(mut self) -> Self {
        let blocks = &mut self.generator.synthesis.blocks;
        if let Some(torgb) = blocks.last_mut().and_then(|block| block.torgb.as_mut()) {
            torgb.weight = faint(torgb.weight.clone());
            torgb.bias = faint(torgb.bias.clone());
            torgb.affine.weight = faint(torgb.affine.weight.clone());
            torgb.affine.bias = faint(torgb.affine.bias.clone());
        }
        self
    }

    /// Images `[N, 3, R, R]` of latents `w [N, D]`.
    pub(super) fn draw(&self, w: Tensor<2>, noise: Noise<'_>) -> Tensor<4> {
        let synthesis = &self.generator.synthesis;
        synthesis.forward(broadcast(w, synthesis.num_ws()), noise)
    }

    /// Reconstructions of images `[N, 3, R, R]`.
    pub(super) fn reconstruct(&self, images: Tensor<4>) -> Tensor<4> {
        self.draw(self.encoder.forward(images), Noise::None)
    }

    /// The device of the weights.
    pub(super) fn device(&self) -> Device {
        self.generator.synthesis.input.device()
    }
}

fn faint<const D: usize>(param: Param<Tensor<D>>) -> Param<Tensor<D>> {
    param
        .map(|weight| (weight * NEW_BLOCK).detach())
        .set_require_grad(true)
}
