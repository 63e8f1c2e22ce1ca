//! Networks that look at pictures, for distances between sets of them.

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

/// Names the weights of the FID's Inception where a caller names none.
const INCEPTION_VARIABLE: &str = "ANYFACE_INCEPTION";

/// A network with the pictures it takes.
pub enum FeatureExtractor<'a> {
    /// The FID's Inception: only its distances are called FID and KID.
    Inception(Box<Inception>, Device),
    /// A recogniser of faces, on whole pictures.
    MobileFaceNet(&'a Recognizer, Device),
    /// The bundle's own tower: at hand everywhere, but it was part of the training.
    ImageTower(&'a Engine),
}

impl FeatureExtractor<'_> {
    /// The FID's Inception at `path`, else where `ANYFACE_INCEPTION` says, which may be empty for none, else what
    /// `anyface pull fid-inception` fetched.
    ///
    /// # Errors
    /// The file cannot be read, or is something else.
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

    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Inception(..) => "inception",
            Self::MobileFaceNet(..) => "mobilefacenet",
            Self::ImageTower(_) => "image_tower",
        }
    }

    /// What Fréchet and kernel distance are called by its features.
    pub(super) const fn measures(&self) -> [&'static str; 2] {
        match self {
            Self::Inception(..) => ["fid", "kid"],
            Self::MobileFaceNet(..) => ["frechet_mobilefacenet", "kernel_mobilefacenet"],
            Self::ImageTower(_) => ["frechet_image_tower", "kernel_image_tower"],
        }
    }

    /// A feature `[D]` of each of some square pictures of one size.
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
