//! From features to a distance.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};

use super::FeatureNetwork;

/// Added to the length of a feature.
const EPSILON: f64 = 1e-10;

/// A weight for every channel of every layer of features.
#[derive(Module, Debug)]
pub struct LpipsHeads {
    lin: Vec<Param<Tensor<1>>>,
}

impl LpipsHeads {
    /// Weights 1 for the layers of `network`.
    pub fn new(network: FeatureNetwork, device: &Device) -> Self {
        let lin = network
            .taps()
            .map(|channels| Initializer::Ones.init([channels], device));
        Self { lin: lin.collect() }
    }

    /// Features `[N, C, H, W]` of each layer to distances `[N]`: the weighted squares of the differences of unit features,
    /// mean over the pixels, summed over the layers.
    ///
    /// # Panics
    /// When a layer has another number of channels.
    pub fn forward(&self, a: Vec<Tensor<4>>, b: Vec<Tensor<4>>) -> Tensor<1> {
        let layers = self.lin.iter().zip(a.into_iter().zip(b));
        layers
            .map(|(weight, (a, b))| layer(weight.val(), a, b))
            .reduce(|sum, layer| sum + layer)
            .expect("a network has layers")
    }
}

/// The part of one layer.
fn layer(weight: Tensor<1>, a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
    let [n, c, h, w] = a.dims();
    let difference = unit(a) - unit(b);
    let weighted = difference.square() * weight.reshape([1, c, 1, 1]);
    weighted
        .sum_dim(1)
        .reshape([n, h * w])
        .mean_dim(1)
        .squeeze_dim(1)
}

/// Scales the feature of each pixel to length 1. A feature of zeros stays zero, and so does its gradient, which the
/// reference's formula makes no number.
fn unit(x: Tensor<4>) -> Tensor<4> {
    let squares = x.clone().square().sum_dim(1);
    x / (squares.clamp_min(1e-30).sqrt() + EPSILON)
}
