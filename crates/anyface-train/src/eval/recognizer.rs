//! What a recogniser of faces sees in pictures.

use std::path::Path;

use anyface::identity::{MobileFaceNet, MobileFaceNetConfig};
use anyface::image::resize_bicubic_tensor;
use anyface::weights::{Checkpoint, Kind, convert};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::error::{Result, TrainError};

/// Side of the faces that MobileFaceNet reads.
const SIDE: usize = 112;
/// Pictures read at once.
const BATCH: usize = 64;

/// MobileFaceNet on pictures of any size.
pub struct Recognizer {
    network: MobileFaceNet,
}

impl Recognizer {
    /// Opens the weights, in any layout that `anyface convert` reads.
    ///
    /// # Errors
    /// The file cannot be read, or is no MobileFaceNet.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let wrong = || TrainError::Damaged {
            path: path.to_owned(),
            message: "is no MobileFaceNet".to_owned(),
        };
        let file = Checkpoint::open(path).map_err(anyface::Error::from)?;
        let converted = convert(&file).map_err(anyface::Error::from)?;
        let network = match (converted.kind, converted.networks.first()) {
            (Kind::MobileFaceNet, Some(network)) => network,
            _ => return Err(wrong()),
        };
        let config: MobileFaceNetConfig =
            serde_json::from_value(network.config.clone()).map_err(|_| wrong())?;
        let network = network
            .load(config.init(device))
            .map_err(anyface::Error::from)?;
        Ok(Self {
            network: network.no_grad(),
        })
    }

    /// A feature of unit length for each of `images [N, 3, R, R]` in ±1.
    pub fn features(&self, images: Tensor<4>) -> Vec<Vec<f64>> {
        let batches = images.split(BATCH, 0).into_iter();
        batches.flat_map(|batch| self.read(batch)).collect()
    }

    fn read(&self, images: Tensor<4>) -> Vec<Vec<f64>> {
        let faces = (resize_bicubic_tensor(images, SIDE).clamp(-1.0, 1.0) + 1.0) * 127.5;
        let features = self.network.forward(faces);
        let [_, length] = features.dims();
        let values: Vec<f64> = features.into_data().iter().collect();
        values.chunks(length).map(<[f64]>::to_vec).collect()
    }
}
