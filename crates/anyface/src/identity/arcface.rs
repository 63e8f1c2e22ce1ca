//! ArcFace: a face to an identity feature.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor};

use super::{IrSe, IrSeConfig};
use crate::layers::{BatchNorm, Linear, l2_normalize};

/// ε of torch's batch norm.
const EPSILON: f64 = 1e-5;

/// Side of the input image in pixels.
const SIDE: usize = 112;

/// Sizes of an [`ArcFace`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct ArcFaceConfig {
    /// The backbone.
    pub backbone: IrSeConfig,
    /// E, the width of a feature.
    #[config(default = 512)]
    pub embed_dim: usize,
}

impl ArcFaceConfig {
    /// Creates a network with random weights.
    pub fn init(&self, device: &Device) -> ArcFace {
        let channels = self.backbone.channels[3];
        let inputs = channels * (SIDE / 16).pow(2);
        ArcFace {
            backbone: self.backbone.init(device),
            norm_in: BatchNorm::new(channels, EPSILON, device),
            linear: Linear::new(inputs, self.embed_dim, (inputs as f64).powf(-0.5), device),
            norm_out: BatchNorm::new(self.embed_dim, EPSILON, device),
        }
    }
}

/// A recogniser: faces to identity features.
#[derive(Module, Debug)]
pub struct ArcFace {
    backbone: IrSe,
    norm_in: BatchNorm,
    linear: Linear,
    norm_out: BatchNorm,
}

impl ArcFace {
    /// Maps faces `[N, 3, 112, 112]` from −1 to 1 to features `[N, E]` of length 1. The dot product
    /// of two features is their cosine similarity.
    pub fn forward(&self, faces: Tensor<4>) -> Tensor<2> {
        let [.., features] = self.backbone.forward(faces);
        let flat: Tensor<2> = self.norm_in.forward(features).flatten(1, 3);
        l2_normalize(self.norm_out.forward(self.linear.forward(flat)))
    }
}

/// Crops the face from an aligned image `[N, 3, 256, 256]` and scales it to `[N, 3, 112, 112]`, as
/// in the identity loss of pSp and e4e.
pub fn crop_face(images: Tensor<4>) -> Tensor<4> {
    let face = images.narrow(2, 35, 188).narrow(3, 32, 188);
    adaptive_avg_pool2d(face, [SIDE, SIDE])
}
