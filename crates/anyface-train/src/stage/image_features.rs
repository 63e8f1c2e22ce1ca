//! Image features by the image tower of a bundle.

use anyface::bundle::Bundle;
use anyface::clip::{Family, ImageTower, ImageTowerConfig, Preprocess};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::error::Result;

/// A frozen image tower and its preprocessing.
pub(super) struct ImageFeatures {
    tower: ImageTower,
    preprocess: Preprocess,
}

impl ImageFeatures {
    /// Loads the image tower of `bundle`.
    pub(super) fn load(bundle: &Bundle, device: &Device) -> Result<Self> {
        let config: ImageTowerConfig = bundle.section("image_tower")?;
        let family = bundle.section::<Option<Family>>("clip")?;
        let tower = bundle.network("image_tower", config.init(device))?;
        Ok(Self {
            preprocess: family.unwrap_or_default().preprocess(config.resolution()),
            tower: tower.no_grad(),
        })
    }

    /// Features `[N, E]` of pictures `[N, 3, R, R]` in [−1, 1].
    pub(super) fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.tower.forward(self.preprocess.images(images))
    }
}
