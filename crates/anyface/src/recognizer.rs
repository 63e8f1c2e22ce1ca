//! What a recogniser of faces sees in pictures.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use image::RgbImage;

use crate::Error;
use crate::convert::{Converted, Kind};
use crate::hub;
use crate::identity::{MobileFaceNet, MobileFaceNetConfig, crop_face};
use crate::image::{resize_bicubic_tensor, to_tensor};

/// Names the recogniser's weights where a caller names none.
pub const RECOGNIZER_VARIABLE: &str = "ANYFACE_RECOGNIZER";

/// Side of the faces that MobileFaceNet reads.
const SIDE: usize = 112;
/// Side of the aligned pictures that faces are cut out of.
const ALIGNED: usize = 256;
/// Pictures read at once.
const BATCH: usize = 64;

/// MobileFaceNet on pictures of any size.
#[derive(Debug, Clone)]
pub struct Recognizer {
    network: MobileFaceNet,
    device: Device,
}

impl Recognizer {
    /// Opens the weights, in any layout that `anyface convert` reads.
    ///
    /// # Errors
    /// The file cannot be read, or is no MobileFaceNet.
    pub fn open(path: &Path, device: &Device) -> Result<Self, Error> {
        let network = Converted::network(path, Kind::MobileFaceNet)?;
        let config: MobileFaceNetConfig = network.sizes()?;
        Ok(Self {
            network: network.load(config.init(device))?.no_grad(),
            device: device.clone(),
        })
    }

    /// The recogniser at `path`, else the one that [`RECOGNIZER_VARIABLE`] names, which may be empty for none.
    ///
    /// # Errors
    /// As [`Recognizer::open`].
    pub fn find(path: Option<&Path>, device: &Device) -> Result<Option<Self>, Error> {
        let path = hub::find(path, RECOGNIZER_VARIABLE, None);
        path.map(|path| Self::open(&path, device)).transpose()
    }

    /// A feature of unit length for each of `images [N, 3, R, R]` in ±1, which are seen whole.
    pub fn features(&self, images: Tensor<4>) -> Vec<Vec<f64>> {
        let batches = images.split(BATCH, 0).into_iter();
        batches
            .flat_map(|batch| rows(self.read(resize_bicubic_tensor(batch, SIDE))))
            .collect()
    }

    /// Whose faces are in aligned `images [N, 3, R, R]` in ±1, of which only the face is seen: features of unit length,
    /// `[N, E]`, with the gradient of the images.
    pub fn identities(&self, images: Tensor<4>) -> Tensor<2> {
        self.read(crop_face(resize_bicubic_tensor(images, ALIGNED)))
    }

    /// [`Recognizer::identities`] of one picture.
    pub fn identity(&self, picture: &RgbImage) -> Vec<f64> {
        let picture = to_tensor(&[picture], &self.device);
        rows(self.identities(picture)).swap_remove(0)
    }

    /// Features of `faces [N, 3, 112, 112]` in about ±1.
    fn read(&self, faces: Tensor<4>) -> Tensor<2> {
        self.network.forward((faces.clamp(-1.0, 1.0) + 1.0) * 127.5)
    }
}

/// The rows of `[N, E]`.
fn rows(features: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, length] = features.dims();
    let values: Vec<f64> = features.into_data().iter().collect();
    values.chunks(length).map(<[f64]>::to_vec).collect()
}
