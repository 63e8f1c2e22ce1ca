//! CLIP's image tower: a vision transformer or a residual network.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::resnet::{ModifiedResNet, ModifiedResNetConfig};
use super::vision::{VisionTransformer, VisionTransformerConfig};

/// Sizes of an [`ImageTower`]. A list in `layers` selects a residual network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
#[non_exhaustive]
pub enum ImageTowerConfig {
    /// A vision transformer.
    VisionTransformer(VisionTransformerConfig),
    /// A residual network.
    ModifiedResNet(ModifiedResNetConfig),
}

impl TryFrom<Value> for ImageTowerConfig {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value["layers"].is_array() {
            true => serde_json::from_value(value).map(Self::ModifiedResNet),
            false => serde_json::from_value(value).map(Self::VisionTransformer),
        }
    }
}

impl ImageTowerConfig {
    /// Creates a tower with the reference's initialisation.
    pub fn init(&self, device: &Device) -> ImageTower {
        match self {
            Self::VisionTransformer(config) => ImageTower::VisionTransformer(config.init(device)),
            Self::ModifiedResNet(config) => ImageTower::ModifiedResNet(config.init(device)),
        }
    }

    /// R, the side of an input image in pixels.
    pub const fn resolution(&self) -> usize {
        match self {
            Self::VisionTransformer(config) => config.resolution,
            Self::ModifiedResNet(config) => config.resolution,
        }
    }

    /// E, the width of a feature.
    pub const fn embed_dim(&self) -> usize {
        match self {
            Self::VisionTransformer(config) => config.embed_dim,
            Self::ModifiedResNet(config) => config.embed_dim,
        }
    }
}

/// The image tower.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "a bundle has only one")]
pub enum ImageTower {
    /// ViT-B/32 and similar.
    VisionTransformer(VisionTransformer),
    /// RN50 and similar.
    ModifiedResNet(ModifiedResNet),
}

impl ImageTower {
    /// Maps `images` `[N, 3, R, R]`, normalised by the tower's mean and deviation (see
    /// `preprocess.rs`), to features `[N, E]`, not normalised.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        match self {
            Self::VisionTransformer(tower) => tower.forward(images),
            Self::ModifiedResNet(tower) => tower.forward(images),
        }
    }
}
