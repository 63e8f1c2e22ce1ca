//! Feature extractors for distances between sets of pictures.

use std::path::Path;

use anyface::convert::{Converted, Kind};
use anyface::image::to_tensor;
use anyface::inception::{Inception, InceptionConfig};
use anyface::{Engine, hub};
use burn::module::Module;
use burn::tensor::Device;
use image::RgbImage;

use crate::error::Result;
use anyface::recognizer::Recognizer;

/// Environment variable with the default path of the FID Inception weights.
const INCEPTION_VARIABLE: &str = "ANYFACE_INCEPTION";

/// A feature extractor.
pub enum FeatureExtractor<'a> {
    /// The FID Inception. Only its distances are called FID and KID.
    Inception(Box<Inception>, Device),
    /// A face recogniser, applied to whole pictures.
    MobileFaceNet(&'a Recognizer, Device),
    /// The image tower of the bundle. It is always available, but it takes part in training.
    ImageTower(&'a Engine),
}

impl FeatureExtractor<'_> {
    /// The FID Inception at `path`, else at the path in `ANYFACE_INCEPTION` (empty for none), else
    /// as downloaded by `anyface pull fid-inception`.
    ///
    /// # Errors
    /// The file cannot be read, or is not a FID Inception.
    pub fn inception(path: Option<&Path>, device: &Device) -> Result<Option<Self>> {
        let Some(path) = hub::find(path, INCEPTION_VARIABLE, Some("fid-inception")) else {
            return Ok(None);
        };
        let network =
            Converted::network(&path, Kind::FidInception).map_err(anyface::Error::from)?;
        let config: InceptionConfig = network.sizes().map_err(anyface::Error::from)?;
        let inception = network
            .load(config.init(device))
            .map_err(anyface::Error::from)?;
        Ok(Some(Self::Inception(
            Box::new(inception.no_grad()),
            device.clone(),
        )))
    }

    /// Name of the extractor.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Inception(..) => "inception",
            Self::MobileFaceNet(..) => "mobilefacenet",
            Self::ImageTower(_) => "image_tower",
        }
    }

    /// Names of the Fréchet and the kernel distance of its features.
    pub(super) const fn measures(&self) -> [&'static str; 2] {
        match self {
            Self::Inception(..) => ["fid", "kid"],
            Self::MobileFaceNet(..) => ["frechet_mobilefacenet", "kernel_mobilefacenet"],
            Self::ImageTower(_) => ["frechet_image_tower", "kernel_image_tower"],
        }
    }

    /// Features `[D]` of each of some square pictures of one size.
    pub(super) fn features(&self, pictures: &[RgbImage]) -> Vec<Vec<f64>> {
        let tensor = |device: &Device| to_tensor(&pictures.iter().collect::<Vec<_>>(), device);
        match self {
            Self::Inception(inception, device) => {
                let features = inception.features((tensor(device) + 1.0) * 0.5);
                let [_, dim] = features.dims();
                let values: Vec<f64> = features.into_data().iter().collect();
                values.chunks(dim).map(<[f64]>::to_vec).collect()
            }
            Self::MobileFaceNet(recognizer, device) => recognizer.features(tensor(device)),
            Self::ImageTower(engine) => {
                let features = pictures.iter().map(|picture| engine.image_feature(picture));
                features
                    .map(|feature| feature.into_iter().map(f64::from).collect())
                    .collect()
            }
        }
    }
}
