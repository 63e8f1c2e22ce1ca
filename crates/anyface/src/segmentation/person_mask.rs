//! [`PersonMask`]: person masks for pictures of any size.

use burn::tensor::{Device, Tensor, TensorData};
use image::{GrayImage, RgbImage};

use super::network::{SIDE, SelfieSegmentation};
use crate::image::{Filter, resize};
use crate::weights::load_module_bytes;

/// MediaPipe's weights in half precision, from `tools/parity/selfie_segmentation.py`.
const WEIGHTS: &[u8] = include_bytes!("../../assets/selfie_segmentation.safetensors");

/// Separates persons from the background.
#[derive(Debug)]
pub struct PersonMask {
    network: SelfieSegmentation,
    device: Device,
}

impl PersonMask {
    /// The built-in network.
    pub fn builtin(device: &Device) -> Self {
        let network = SelfieSegmentation::new(device);
        Self {
            network: load_module_bytes(network, WEIGHTS, "selfie_segmentation.safetensors")
                .expect("the built-in weights fit the network"),
            device: device.clone(),
        }
    }

    /// The mask of a picture, at the picture's size: 255 at a person, 0 at the background. The
    /// whole picture is resized to a square of 256 pixels, as in MediaPipe.
    pub fn mask(&self, picture: &RgbImage) -> GrayImage {
        let (width, height) = picture.dimensions();
        let square = resize(picture, SIDE as u32, SIDE as u32, Filter::Bilinear);
        let mask = self.of_square(&square).into_data();
        let bytes = mask.iter::<f32>().map(|x| (x * 255.0).round() as u8);
        let mask = GrayImage::from_raw(SIDE as u32, SIDE as u32, bytes.collect())
            .expect("one byte per pixel");
        resize(&mask, width, height, Filter::Bilinear)
    }

    /// The mask `[1, 1, 256, 256]`, from 0 to 1, of a picture of that size.
    pub(super) fn of_square(&self, square: &RgbImage) -> Tensor<4> {
        let values = square.as_raw().iter().map(|&byte| f32::from(byte) / 255.0);
        let values = TensorData::new(values.collect::<Vec<f32>>(), [1, SIDE, SIDE, 3]);
        let input = Tensor::<4>::from_data(values, &self.device).permute([0, 3, 1, 2]);
        self.network.forward(input)
    }
}
