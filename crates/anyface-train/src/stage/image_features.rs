//! What the image tower of a bundle sees in pictures.

use anyface::bundle::Bundle;
use anyface::clip::{Family, ImageTower, ImageTowerConfig, Preprocess};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::error::Result;

/// A frozen image tower with what its pictures go through before.
pub(super) struct ImageFeatures {
    tower: ImageTower,
    preprocess: Preprocess,
}

impl ImageFeatures {
    /// The image tower of `bundle`.
    pub(super) fn load(bundle: &Bundle, device: &Device) -> Result<Self> {
        let config: ImageTowerConfig = bundle.section("image_tower")?;
        let family = bundle.section::<Option<Family>>("clip")?;
        let tower = bundle.network("image_tower", config.init(device))?;
        Ok(Self {
            preprocess: family.unwrap_or_default().preprocess(config.resolution()),
            tower: tower.no_grad(),
        })
    }

    /// Features `[N, E]` of pictures in ±1, `[N, 3, R, R]`.
    pub(super) fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.tower.forward(self.preprocess.images(images))
    }
}
