//! Between image tensors and 8-bit RGB.

use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;

/// The pictures of an image tensor.
///
/// Uses StyleGAN2's rounding, `clamp(x · 127.5 + 128, 0, 255)` cut to an integer.
///
/// # Shapes
/// - `images`: `[N, 3, H, W]`, nominally in `[-1, 1]`
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

/// The image tensor of pictures of one size, `[N, 3, H, W]` in `[-1, 1]`.
///
/// # Panics
/// When the pictures differ in size or there are none.
pub fn to_tensor(images: &[&RgbImage], device: &Device) -> Tensor<4> {
    let (width, height) = images[0].dimensions();
    let mut values = Vec::with_capacity(images.len() * 3 * (width * height) as usize);
    for image in images {
        assert_eq!(image.dimensions(), (width, height), "pictures of one size");
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
    fn bytes_survive_the_round_trip() {
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
