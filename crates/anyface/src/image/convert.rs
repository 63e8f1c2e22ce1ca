//! Conversion between image tensors and 8-bit RGB pictures.

use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;

/// Converts images `[N, 3, H, W]`, nominally from −1 to 1, to N pictures. Rounds like StyleGAN2:
/// `clamp(x · 127.5 + 128, 0, 255)`, truncated to an integer.
///
/// # Panics
/// If the images do not have three channels.
pub fn to_rgb(images: Tensor<4>) -> Vec<RgbImage> {
    let [_, channels, height, width] = images.dims();
    assert_eq!(channels, 3, "an RGB image has three channels");
    let bytes: Vec<u8> = images
        .permute([0, 2, 3, 1])
        .into_data()
        .iter::<f32>()
        .map(|x| (x * 127.5 + 128.0).clamp(0.0, 255.0) as u8)
        .collect();
    bytes
        .chunks_exact(3 * height * width)
        .filter_map(|image| RgbImage::from_raw(width as u32, height as u32, image.to_vec()))
        .collect()
}

/// Converts N pictures of one size to images `[N, 3, H, W]` from −1 to 1.
///
/// # Panics
/// If the pictures differ in size or there are none.
pub fn to_tensor(images: &[&RgbImage], device: &Device) -> Tensor<4> {
    let (width, height) = images[0].dimensions();
    let mut values = Vec::with_capacity(images.len() * 3 * (width * height) as usize);
    for image in images {
        assert_eq!(
            image.dimensions(),
            (width, height),
            "the pictures must have one size"
        );
        values.extend(
            image
                .as_raw()
                .iter()
                .map(|&byte| f32::from(byte) / 127.5 - 1.0),
        );
    }
    let shape = [images.len(), height as usize, width as usize, 3];
    Tensor::<4>::from_data(TensorData::new(values, shape), device).permute([0, 3, 1, 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_keeps_every_byte() {
        let mut image = RgbImage::new(16, 32);
        for (i, byte) in image.iter_mut().enumerate() {
            *byte = (i % 256) as u8;
        }
        let tensor = to_tensor(&[&image, &image], &Device::flex());
        assert_eq!(tensor.dims(), [2, 3, 32, 16]);
        let back = to_rgb(tensor);
        assert_eq!(back, vec![image.clone(), image]);
    }
}
