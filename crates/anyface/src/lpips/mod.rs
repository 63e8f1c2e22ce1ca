//! LPIPS: perceptual distance of two images (Zhang et al. 2018, arXiv 1801.03924).
//!
//! Reference: `lpips/lpips.py` of richzhang/PerceptualSimilarity, version 0.1, with torchvision's
//! networks.

mod features;
mod heads;

pub use features::{FeatureNetwork, Features};
pub use heads::LpipsHeads;

use burn::module::Module;
use burn::tensor::Tensor;

/// A feature network and its linear heads.
#[derive(Module, Debug)]
pub struct Lpips {
    /// The feature network, trained on ImageNet.
    pub features: Features,
    /// Weight of each channel in the distance.
    pub heads: LpipsHeads,
}

impl Lpips {
    /// Distances `[N]` of images `[N, 3, H, W]` from −1 to 1.
    pub fn forward(&self, a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
        self.heads
            .forward(self.features.forward(a), self.features.forward(b))
    }
}
