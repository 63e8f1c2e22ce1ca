//! What stands behind a person.

use image::{GrayImage, RgbImage};

use crate::image::Color;

/// Lays `color` over all of a picture that its `mask` (255 is person) does not keep.
///
/// # Panics
/// When the mask has another size.
pub fn fill_background(picture: &mut RgbImage, mask: &GrayImage, color: Color) {
    assert_eq!(picture.dimensions(), mask.dimensions(), "one size");
    for (pixel, alpha) in picture.pixels_mut().zip(mask.pixels()) {
        for (value, behind) in pixel.0.iter_mut().zip(color.0) {
            *value = mix(*value, behind, alpha.0[0]);
        }
    }
}

/// `over · alpha/255 + under · (1 − alpha/255)`, rounded.
fn mix(over: u8, under: u8, alpha: u8) -> u8 {
    let [over, under, alpha] = [over, under, alpha].map(u32::from);
    ((over * alpha + under * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    #[test]
    fn a_soft_mask_mixes() {
        let mut picture = RgbImage::from_pixel(3, 1, [200, 100, 0].into());
        let mut mask = GrayImage::new(3, 1);
        mask.put_pixel(1, 0, Luma([51]));
        mask.put_pixel(2, 0, Luma([255]));
        fill_background(&mut picture, &mask, Color([128; 3]));
        assert_eq!(
            picture.into_raw(),
            [128, 128, 128, 142, 122, 102, 200, 100, 0]
        );
    }
}
