//! Preprocessing of pictures for an image tower.

use burn::tensor::{Device, Tensor, TensorData};
use image::{RgbImage, imageops};

use crate::image::{Filter, resize, resize_bicubic_tensor};

/// Input resolution of an image tower, and mean and deviation per RGB channel for values from 0
/// to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preprocess {
    /// R, the side of the tower's input in pixels.
    pub resolution: usize,
    /// Mean of each channel.
    pub mean: [f32; 3],
    /// Standard deviation of each channel.
    pub std: [f32; 3],
}

impl Preprocess {
    /// Settings of OpenAI's models and most derived models.
    pub const fn openai(resolution: usize) -> Self {
        Self {
            resolution,
            mean: [0.481_454_66, 0.457_827_5, 0.408_210_73],
            std: [0.268_629_54, 0.261_302_6, 0.275_777_1],
        }
    }

    /// Settings of the compact towers: pixels run from −1 to 1, so generated images are unchanged.
    pub const fn compact(resolution: usize) -> Self {
        Self {
            resolution,
            mean: [0.5; 3],
            std: [0.5; 3],
        }
    }

    /// Converts a picture to pixels `[1, 3, R, R]`: resizes the shorter side to R, crops the
    /// centre, normalises. Equal to the transform of OpenAI's CLIP.
    pub fn picture(&self, image: &RgbImage, device: &Device) -> Tensor<4> {
        let side = self.resolution;
        let values: Vec<f32> = center_crop(image, side as u32)
            .into_raw()
            .into_iter()
            .map(|value| f32::from(value) / 255.0)
            .collect();
        let pixels = Tensor::from_data(TensorData::new(values, [1, side, side, 3]), device);
        self.normalize(pixels.permute([0, 3, 1, 2]))
    }

    /// Converts square `images` `[N, 3, H, H]` from −1 to 1, a generator's output, to pixels
    /// `[N, 3, R, R]`. Differentiable.
    pub fn images(&self, images: Tensor<4>) -> Tensor<4> {
        let images = resize_bicubic_tensor(images, self.resolution);
        if *self == Self::compact(self.resolution) {
            return images;
        }
        self.normalize((images + 1.0) * 0.5)
    }

    /// Normalises `images` `[N, 3, R, R]`, from 0 to 1, by mean and deviation.
    fn normalize(&self, images: Tensor<4>) -> Tensor<4> {
        let device = images.device();
        let channels =
            |values: [f32; 3]| Tensor::<1>::from_data(values, &device).reshape([1, 3, 1, 1]);
        (images - channels(self.mean)) / channels(self.std)
    }
}

/// Resizes the shorter side of `image` to `side` and crops the centre; sizes and offsets are
/// rounded like torchvision's.
fn center_crop(image: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    let longer =
        (u64::from(side) * u64::from(width.max(height)) / u64::from(width.min(height))) as u32;
    let (new_width, new_height) = if width < height {
        (side, longer)
    } else {
        (longer, side)
    };
    let resized = resize(image, new_width, new_height, Filter::Bicubic);
    let offset = |length: u32| (f64::from(length - side) / 2.0).round_ties_even() as u32;
    imageops::crop_imm(&resized, offset(new_width), offset(new_height), side, side).to_image()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use safetensors::SafeTensors;

    use super::*;

    const EXPECTED: &[u8] =
        include_bytes!("../../tests/fixtures/clip/preprocess/expected.safetensors");

    fn picture(name: &str) -> RgbImage {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/clip/preprocess");
        image::open(folder.join(name).with_extension("png"))
            .unwrap()
            .to_rgb8()
    }

    fn expected_bytes(name: &str) -> Vec<u8> {
        let file = SafeTensors::deserialize(EXPECTED).unwrap();
        file.tensor(name).unwrap().data().to_vec()
    }

    #[test]
    fn every_byte_equals_pillow() {
        for name in ["wide", "tall_small", "grey"] {
            for side in [64, 224] {
                let expected = expected_bytes(&format!("{name}.{side}.u8_hwc"));
                assert!(
                    center_crop(&picture(name), side).into_raw() == expected,
                    "{name} at {side}"
                );
            }
        }
    }

    #[test]
    fn pixels_equal_torchvision() {
        for name in ["wide", "tall_small", "grey"] {
            let pixels = Preprocess::openai(64).picture(&picture(name), &Device::flex());
            let found = pixels.into_data().try_to_vec::<f32>().unwrap();
            let expected: Vec<f32> =
                bytemuck::pod_collect_to_vec(&expected_bytes(&format!("{name}.64.normalised")));
            let error = found
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(error < 1e-6, "{name}: {error}");
        }
    }

    #[test]
    fn tensors_are_resized_like_pictures() {
        let device = Device::flex();
        let square = imageops::crop_imm(&picture("wide"), 0, 0, 200, 200).to_image();
        for side in [64, 224] {
            let preprocess = Preprocess::openai(side);
            let values: Vec<f32> = square
                .as_raw()
                .iter()
                .map(|&v| f32::from(v) / 127.5 - 1.0)
                .collect();
            let tensor = Tensor::<4>::from_data(TensorData::new(values, [1, 200, 200, 3]), &device);
            let found = preprocess.images(tensor.permute([0, 3, 1, 2]));
            // Rounding twice costs one level; clamping the overshoot at an edge costs more, but is
            // rare.
            let error: f32 = (found - preprocess.picture(&square, &device))
                .abs()
                .mean()
                .into_scalar();
            assert!(error < 0.5 / 255.0 / 0.26, "{side}: {error}");
        }
    }

    #[test]
    fn the_compact_tower_reads_generated_images_unchanged() {
        let images = Tensor::<4>::from_data([[[[-1.0f32, 1.0], [0.5, 0.0]]; 3]], &Device::flex());
        let pixels = Preprocess::compact(2).images(images.clone());
        pixels.into_data().assert_eq(&images.into_data(), true);
    }
}
