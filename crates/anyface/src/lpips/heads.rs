//! Linear heads from features to a distance.

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};

use super::FeatureNetwork;

/// Added to the norm of a feature, as in the reference's `normalize_tensor`.
const EPSILON: f64 = 1e-10;

/// One weight per channel of every feature layer.
#[derive(Module, Debug)]
pub struct LpipsHeads {
    lin: Vec<Param<Tensor<1>>>,
}

impl LpipsHeads {
    /// Creates unit weights for the layers of `network`.
    pub fn new(network: FeatureNetwork, device: &Device) -> Self {
        let lin = network
            .taps()
            .map(|channels| Initializer::Ones.init([channels], device));
        Self { lin: lin.collect() }
    }

    /// Maps features `[N, C, H, W]` of each layer to distances `[N]`: weighted squared differences
    /// of unit features, averaged over the pixels and summed over the layers.
    ///
    /// # Panics
    /// If a layer has another number of channels.
    pub fn forward(&self, a: Vec<Tensor<4>>, b: Vec<Tensor<4>>) -> Tensor<1> {
        let layers = self.lin.iter().zip(a.into_iter().zip(b));
        layers
            .map(|(weight, (a, b))| layer(weight.val(), a, b))
            .reduce(|sum, layer| sum + layer)
            .expect("a network has layers")
    }
}

/// The distance in one layer.
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

/// Scales the feature of each pixel to length 1. A zero feature stays zero and has a zero gradient,
/// where the reference's formula gives NaN.
fn unit(x: Tensor<4>) -> Tensor<4> {
    let squares = x.clone().square().sum_dim(1);
    x / (squares.clamp_min(1e-30).sqrt() + EPSILON)
}
