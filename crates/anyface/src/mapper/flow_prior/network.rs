//! The network: a residual stack on a point of the path, conditioned on the time and the text.

use std::f64::consts::PI;

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::silu;
use burn::tensor::{Bool, Device, Tensor};

use super::sentence_pooling::SentencePooling;
use super::whitening::Whitening;
use crate::layers::LayerNorm;

/// Number of frequencies in the time embedding, each √2 times the previous one.
const FREQUENCIES: usize = 12;

/// Sizes of a [`FlowPrior`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct FlowPriorConfig {
    /// E, the width of a text feature.
    pub feature_dim: usize,
    /// D, the width of the generated latents: `w`, or the standard normals that make `z`.
    pub latent_dim: usize,
    /// W, the width of the residual stack.
    #[config(default = 512)]
    pub width: usize,
    /// Number of blocks in the stack.
    #[config(default = 5)]
    pub blocks: usize,
    /// Attention heads of the sentence pooling; must divide `width`.
    #[config(default = 16)]
    pub heads: usize,
}

impl FlowPriorConfig {
    /// Creates a prior with random weights and identity whitening.
    pub fn init(&self, device: &Device) -> FlowPrior {
        let width = self.width;
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        FlowPrior {
            whitening: Whitening::identity(self.latent_dim, device),
            sentences: SentencePooling::new([self.feature_dim, width, self.heads], device),
            time: [linear(2 * FREQUENCIES, width), linear(width, width)],
            input: linear(self.latent_dim, width),
            blocks: (0..self.blocks)
                .map(|_| Block {
                    norm: LayerNorm::new(width, device),
                    inner: linear(width, width),
                    context: linear(width, width),
                    outer: linear(width, width),
                })
                .collect(),
            norm: LayerNorm::new(width, device),
            output: linear(width, self.latent_dim),
        }
    }
}

/// The velocity from noise to latents, conditioned on text.
#[derive(Module, Debug)]
pub struct FlowPrior {
    whitening: Whitening,
    sentences: SentencePooling,
    time: [Linear; 2],
    input: Linear,
    blocks: Vec<Block>,
    norm: LayerNorm,
    output: Linear,
}

/// `x + W₂·silu(W₁·norm(x) + W_c·context)`.
#[derive(Module, Debug)]
struct Block {
    norm: LayerNorm,
    inner: Linear,
    context: Linear,
    outer: Linear,
}

impl FlowPrior {
    /// Sets the whitening to the mean and covariance of latents `w [N, D]`, N at least 2.
    #[must_use]
    pub fn fitted(self, w: Tensor<2>) -> Self {
        Self {
            whitening: self.whitening.fitted(w),
            ..self
        }
    }

    /// Whitens latents `w [N, D]`: mean 0, unit variance, `[N, D]`.
    pub fn whiten(&self, w: Tensor<2>) -> Tensor<2> {
        self.whitening.whiten(w)
    }

    /// Inverse of [`FlowPrior::whiten`].
    pub fn color(&self, x: Tensor<2>) -> Tensor<2> {
        self.whitening.color(x)
    }

    /// The condition `[N, W]` of N descriptions, from unit text features `[N, C, E]` of C sentences
    /// each; `absent [N, C]` is true where a description has fewer.
    pub fn condition(&self, features: Tensor<3>, absent: Option<Tensor<2, Bool>>) -> Tensor<2> {
        self.sentences.forward(features, absent)
    }

    /// The condition without text, `[1, W]`.
    pub fn no_condition(&self) -> Tensor<2> {
        self.sentences.null_output()
    }

    /// Velocities `[N, D]` at points `x [N, D]` and times `t [N, 1]`, from 0 (noise) to 1
    /// (latents), under `condition [N, W]`.
    pub fn velocity(&self, x: Tensor<2>, t: Tensor<2>, condition: Tensor<2>) -> Tensor<2> {
        let shifts = self.shifts(self.embed_time(t) + condition);
        self.shifted_velocity(x, shifts)
    }

    /// The device of the prior.
    pub fn device(&self) -> Device {
        self.input.weight.device()
    }

    /// D, the width of a latent.
    pub(super) fn latent_dim(&self) -> usize {
        let [latent_dim, _] = self.input.weight.dims();
        latent_dim
    }

    /// Embeds times `[N, 1]` as `[N, W]`.
    pub(super) fn embed_time(&self, t: Tensor<2>) -> Tensor<2> {
        let frequencies: [f32; FREQUENCIES] =
            std::array::from_fn(|i| (PI * 2f64.powf(i as f64 / 2.0)) as f32);
        let frequencies = Tensor::<1>::from_floats(frequencies, &t.device());
        let angles = t.matmul(frequencies.unsqueeze());
        let waves = Tensor::cat(vec![angles.clone().sin(), angles.cos()], 1);
        let [first, second] = &self.time;
        second.forward(silu(first.forward(waves)))
    }

    /// The shift in each block, `[N, W]`, for contexts `[N, W]` (time plus condition).
    pub(super) fn shifts(&self, context: Tensor<2>) -> Vec<Tensor<2>> {
        let blocks = self.blocks.iter();
        blocks
            .map(|block| block.context.forward(context.clone()))
            .collect()
    }

    /// [`FlowPrior::velocity`] with precomputed shifts of each block, `[N, W]`.
    pub(super) fn shifted_velocity(&self, x: Tensor<2>, shifts: Vec<Tensor<2>>) -> Tensor<2> {
        let x = self
            .blocks
            .iter()
            .zip(shifts)
            .fold(self.input.forward(x), |x, (block, shift)| {
                let inner = block.inner.forward(block.norm.forward(x.clone()));
                x + block.outer.forward(silu(inner + shift))
            });
        self.output.forward(self.norm.forward(x))
    }
}
