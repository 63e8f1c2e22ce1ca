//! LPIPS: how different two pictures look (Zhang et al. 2018, arXiv 1801.03924).
//!
//! Reference: `lpips/lpips.py` of richzhang/PerceptualSimilarity, version 0.1, on torchvision's networks.

mod features;
mod heads;

pub use features::{FeatureNetwork, Features};
pub use heads::LpipsHeads;

use burn::module::Module;
use burn::tensor::Tensor;

/// Features of pictures and the weights of their channels.
#[derive(Module, Debug)]
pub struct Lpips {
    /// A network trained on ImageNet.
    pub features: Features,
    /// What a difference in each channel counts.
    pub heads: LpipsHeads,
}

impl Lpips {
    /// Distances `[N]` of pictures `[N, 3, H, W]` in −1 to 1.
    pub fn forward(&self, a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
        self.heads
            .forward(self.features.forward(a), self.features.forward(b))
    }
}
