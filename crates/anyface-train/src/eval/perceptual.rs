//! LPIPS between pictures.

use std::path::Path;

use anyface::convert::{Converted, Kind};
use anyface::hub;
use anyface::image::{resize_bicubic_tensor, to_tensor};
use anyface::lpips::{FeatureNetwork, Lpips, LpipsHeads};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use image::RgbImage;

use crate::error::Result;

/// Resolution of the comparison in pixels, as in the papers.
const SIDE: usize = 256;

/// LPIPS at 256 pixels, for pictures of any size.
pub struct Perceptual {
    lpips: Lpips,
    device: Device,
}

/// LPIPS features of one picture, per layer.
pub struct Seen(Vec<Tensor<4>>);

impl Perceptual {
    /// Opens LPIPS from public files: torchvision features and LPIPS weights of the same network.
    ///
    /// # Errors
    /// Names the file that cannot be read, has other content, or does not match the other file.
    pub fn open(features: &Path, heads: &Path, device: &Device) -> Result<Self> {
        let features =
            Converted::network(features, Kind::Torchvision).map_err(anyface::Error::from)?;
        let heads = Converted::network(heads, Kind::LpipsHeads).map_err(anyface::Error::from)?;
        let network: FeatureNetwork = features.sizes().map_err(anyface::Error::from)?;
        let lpips = Lpips {
            features: features
                .load(network.init(device))
                .map_err(anyface::Error::from)?,
            heads: heads
                .load(LpipsHeads::new(network, device))
                .map_err(anyface::Error::from)?,
        };
        Ok(Self {
            lpips: lpips.no_grad(),
            device: device.clone(),
        })
    }

    /// LPIPS with AlexNet, if `anyface pull alexnet` and `anyface pull lpips-alex` have downloaded
    /// it.
    ///
    /// # Errors
    /// As [`Perceptual::open`].
    pub fn pulled(device: &Device) -> Result<Option<Self>> {
        let first = |model| hub::pulled(model)?.into_iter().next();
        let files = first("alexnet").zip(first("lpips-alex"));
        files
            .map(|(features, heads)| Self::open(&features, &heads, device))
            .transpose()
    }

    /// Computes the features of one picture.
    pub fn see(&self, picture: &RgbImage) -> Seen {
        let picture = resize_bicubic_tensor(to_tensor(&[picture], &self.device), SIDE);
        Seen(self.lpips.features.forward(picture))
    }

    /// LPIPS distance of two pictures.
    pub fn distance(&self, a: &Seen, b: &Seen) -> f64 {
        let distance = self.lpips.heads.forward(a.0.clone(), b.0.clone());
        f64::from(distance.into_scalar::<f32>())
    }
}
