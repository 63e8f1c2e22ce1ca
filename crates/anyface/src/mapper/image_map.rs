//! The mapper of AnyFace++: what the memory says to a latent of StyleGAN2.
//!
//! Reference: cripac-sjx/Anyface, `I_map` of its released networks, on rosinality's `EqualLinear`.

use anyface_kernels::Activation;
use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::FullyConnected;

/// Learning-rate multiplier of every layer.
const LR_MULTIPLIER: f64 = 0.01;

/// Sizes of an [`ImageMap`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct ImageMapConfig {
    /// Banks of the memory times the width of a feature.
    pub inputs: usize,
    /// Width after each layer, the last one being layers of the latent times [`Self::w_dim`].
    pub widths: Vec<usize>,
    /// Width of a latent.
    pub w_dim: usize,
}

impl ImageMapConfig {
    /// A mapper with fresh weights.
    pub fn init(&self, device: &Device) -> ImageMap {
        let inputs = std::iter::once(&self.inputs).chain(&self.widths);
        let layers = inputs.zip(&self.widths).map(|(&inputs, &outputs)| {
            let activation = Activation::LeakyRelu;
            FullyConnected::new(inputs, outputs, LR_MULTIPLIER, activation, device)
        });
        ImageMap {
            layers: layers.collect(),
            w_dim: self.w_dim,
        }
    }
}

/// Fully connected layers, each with a leaky ReLU, the last one too.
#[derive(Module, Debug)]
pub struct ImageMap {
    layers: Vec<FullyConnected>,
    w_dim: usize,
}

impl ImageMap {
    /// The memory's answers `[N, B, E]` to latents w⁺ `[N, L, D]`: as they are, with no mean added and no truncation.
    pub fn forward(&self, answers: Tensor<3>) -> Tensor<3> {
        let [n, banks, width] = answers.dims();
        let x = answers.reshape([n, banks * width]);
        let x = self.layers.iter().fold(x, |x, layer| layer.forward(x));
        let latents = x.dims()[1] / self.w_dim;
        x.reshape([n, latents, self.w_dim])
    }
}
