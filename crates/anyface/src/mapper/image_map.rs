//! The mapper of AnyFace++: memory features to a latent of StyleGAN2.
//!
//! Reference: cripac-sjx/Anyface, `I_map` of its released networks, with rosinality's
//! `EqualLinear`.

use anyface_kernels::Activation;
use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::layers::FullyConnected;

/// Learning-rate multiplier of every layer: rosinality's default `lr_mlp`.
const LR_MULTIPLIER: f64 = 0.01;

/// Sizes of an [`ImageMap`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct ImageMapConfig {
    /// Number of memory banks times the width of a feature.
    pub inputs: usize,
    /// Width of each layer; the last is the number of latent layers times [`Self::w_dim`].
    pub widths: Vec<usize>,
    /// D, the width of a latent.
    pub w_dim: usize,
}

impl ImageMapConfig {
    /// Creates a mapper with random weights.
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

/// Fully connected layers, each followed by a leaky ReLU, including the last.
#[derive(Module, Debug)]
pub struct ImageMap {
    layers: Vec<FullyConnected>,
    w_dim: usize,
}

impl ImageMap {
    /// Memory features `[N, B, E]` to latents w⁺ `[N, L, D]`, without adding the mean and without
    /// truncation.
    pub fn forward(&self, features: Tensor<3>) -> Tensor<3> {
        let [n, banks, width] = features.dims();
        let x = features.reshape([n, banks * width]);
        let x = self.layers.iter().fold(x, |x, layer| layer.forward(x));
        let latents = x.dims()[1] / self.w_dim;
        x.reshape([n, latents, self.w_dim])
    }
}
