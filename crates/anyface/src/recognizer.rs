//! [`Recognizer`]: identity features of faces in pictures.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use image::RgbImage;

use crate::Error;
use crate::convert::{Converted, Kind};
use crate::hub;
use crate::identity::{MobileFaceNet, MobileFaceNetConfig, crop_face};
use crate::image::{resize_bicubic_tensor, to_tensor};

/// Environment variable with the path of the recogniser's weights.
pub const RECOGNIZER_VARIABLE: &str = "ANYFACE_RECOGNIZER";

/// Side, in pixels, of the faces that MobileFaceNet reads.
const SIDE: usize = 112;
/// Side, in pixels, of the aligned images that faces are cropped from.
const ALIGNED: usize = 256;
/// Batch size.
const BATCH: usize = 64;

/// MobileFaceNet for images of any size.
#[derive(Debug, Clone)]
pub struct Recognizer {
    network: MobileFaceNet,
    device: Device,
}

impl Recognizer {
    /// Opens the weights in any layout that `anyface convert` reads.
    ///
    /// # Errors
    /// If the file cannot be read or is not MobileFaceNet.
    pub fn open(path: &Path, device: &Device) -> Result<Self, Error> {
        let network = Converted::network(path, Kind::MobileFaceNet)?;
        let config: MobileFaceNetConfig = network.sizes()?;
        Ok(Self {
            network: network.load(config.init(device))?.no_grad(),
            device: device.clone(),
        })
    }

    /// The recogniser at `path`; else at the path in [`RECOGNIZER_VARIABLE`], where an empty value
    /// means none.
    ///
    /// # Errors
    /// See [`Recognizer::open`].
    pub fn find(path: Option<&Path>, device: &Device) -> Result<Option<Self>, Error> {
        let path = hub::find(path, RECOGNIZER_VARIABLE, None);
        path.map(|path| Self::open(&path, device)).transpose()
    }

    /// One feature of unit length per image in `images [N, 3, R, R]` from −1 to 1, read as a whole.
    pub fn features(&self, images: Tensor<4>) -> Vec<Vec<f64>> {
        let batches = images.split(BATCH, 0).into_iter();
        batches
            .flat_map(|batch| rows(self.read(resize_bicubic_tensor(batch, SIDE))))
            .collect()
    }

    /// Identity features `[N, E]` of unit length for aligned `images [N, 3, R, R]` from −1 to 1.
    /// Only the face is read. Differentiable with respect to the images.
    pub fn identities(&self, images: Tensor<4>) -> Tensor<2> {
        self.read(crop_face(resize_bicubic_tensor(images, ALIGNED)))
    }

    /// [`Recognizer::identities`] for one picture.
    pub fn identity(&self, picture: &RgbImage) -> Vec<f64> {
        let picture = to_tensor(&[picture], &self.device);
        rows(self.identities(picture)).swap_remove(0)
    }

    /// Features of `faces [N, 3, 112, 112]`, from about −1 to 1.
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
