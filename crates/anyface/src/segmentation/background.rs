//! Replacement of the background behind a person.

use std::str::FromStr;

use image::imageops;
use image::{DynamicImage, GrayImage, ImageBuffer, RgbImage, Rgba, RgbaImage};

use super::person_mask::PersonMask;
use crate::image::{Color, Filter, resize};

/// Longest side, in pixels, at which the background is blurred; finer details do not survive the
/// blur.
const BLURRED_SIDE: u32 = 256;

/// Standard deviation of the blur, relative to the longest side.
const BLUR: f32 = 0.02;

/// The background behind a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// The original background.
    #[default]
    Keep,
    /// No background: the person is cut out.
    Transparent,
    /// The original background, blurred.
    Blur,
    /// A single colour.
    Color(Color),
}

impl FromStr for Background {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "keep" => Ok(Self::Keep),
            "transparent" => Ok(Self::Transparent),
            "blur" => Ok(Self::Blur),
            color => color.parse().map(Self::Color).map_err(|_| {
                format!("`{text}` is not a background: use keep, transparent, blur, or #RRGGBB")
            }),
        }
    }
}

impl Background {
    /// Puts the picture's person, as found by `mask`, in front of this background. The result is
    /// opaque, except for [`Background::Transparent`].
    ///
    /// ```
    /// use anyface::Device;
    /// use anyface::segmentation::{Background, PersonMask};
    /// use image::RgbImage;
    ///
    /// let wall = RgbImage::from_pixel(64, 64, [90, 120, 200].into());
    /// let mask = PersonMask::builtin(&Device::flex());
    /// let cut_out = Background::Transparent.put_behind(&wall, &mask);
    /// assert_eq!(cut_out.dimensions(), (64, 64));
    /// ```
    pub fn put_behind(self, picture: &RgbImage, mask: &PersonMask) -> RgbaImage {
        let opaque = |picture: RgbImage| DynamicImage::ImageRgb8(picture).into_rgba8();
        let mut picture = picture.clone();
        if self == Self::Keep {
            return opaque(picture);
        }
        let mask = mask.mask(&picture);
        match self {
            Self::Keep => {}
            Self::Blur => blur_background(&mut picture, &mask),
            Self::Color(color) => fill_background(&mut picture, &mask, color),
            Self::Transparent => {
                let mut picture = opaque(picture);
                for (pixel, alpha) in picture.pixels_mut().zip(mask.pixels()) {
                    pixel.0[3] = alpha.0[0];
                }
                return picture;
            }
        }
        opaque(picture)
    }
}

/// Fills the background of a picture with `color`; `mask` is 255 at the person.
///
/// # Panics
/// If the mask has another size than the picture.
pub fn fill_background(picture: &mut RgbImage, mask: &GrayImage, color: Color) {
    lay_behind(picture, mask, |_, _| color.0);
}

/// Blurs the background, without mixing in the person.
fn blur_background(picture: &mut RgbImage, mask: &GrayImage) {
    let (width, height) = picture.dimensions();
    let shrink = (BLURRED_SIDE as f32 / width.max(height) as f32).min(1.0);
    let [small_width, small_height] =
        [width, height].map(|side| ((side as f32 * shrink).round() as u32).max(1));
    let small = resize(picture, small_width, small_height, Filter::Bilinear);
    let small_mask = resize(mask, small_width, small_height, Filter::Bilinear);
    // Colours are weighted by the background's opacity, so that the person leaves no halo.
    let weighed = ImageBuffer::<Rgba<f32>, _>::from_fn(small_width, small_height, |x, y| {
        let weight = (1.0 - f32::from(small_mask.get_pixel(x, y).0[0]) / 255.0).max(1e-3);
        let [red, green, blue] = small
            .get_pixel(x, y)
            .0
            .map(|v| f32::from(v) / 255.0 * weight);
        Rgba([red, green, blue, weight])
    });
    let sigma = BLUR * small_width.max(small_height) as f32;
    let blurred = imageops::fast_blur(&weighed, sigma);
    let behind = RgbImage::from_fn(small_width, small_height, |x, y| {
        let [channels @ .., weight] = blurred.get_pixel(x, y).0;
        channels
            .map(|value| (value / weight * 255.0).round() as u8)
            .into()
    });
    let behind = resize(&behind, width, height, Filter::Bilinear);
    lay_behind(picture, mask, |x, y| behind.get_pixel(x, y).0);
}

/// Blends `behind` into a picture where its mask is below 255.
fn lay_behind(picture: &mut RgbImage, mask: &GrayImage, behind: impl Fn(u32, u32) -> [u8; 3]) {
    assert_eq!(
        picture.dimensions(),
        mask.dimensions(),
        "the mask must have the size of the picture"
    );
    for ((x, y, pixel), alpha) in picture.enumerate_pixels_mut().zip(mask.pixels()) {
        for (value, behind) in pixel.0.iter_mut().zip(behind(x, y)) {
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
    use burn::tensor::Device;
    use image::Luma;

    use crate::parity::{Fixture, fixture};

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

    #[test]
    fn a_person_leaves_no_halo_in_a_blurred_background() {
        let mut picture = RgbImage::from_pixel(64, 64, [10, 200, 10].into());
        let mut mask = GrayImage::new(64, 64);
        for (x, y) in (20..44).flat_map(|x| (20..44).map(move |y| (x, y))) {
            picture.put_pixel(x, y, [255, 0, 0].into());
            mask.put_pixel(x, y, Luma([255]));
        }
        let before = picture.clone();
        blur_background(&mut picture, &mask);
        for (after, before) in picture.iter().zip(before.iter()) {
            assert!(after.abs_diff(*before) <= 2, "{after} {before}");
        }
    }

    #[test]
    fn a_background_replaces_everything_but_the_person() {
        let portraits = Fixture::open(&fixture("selfie_segmentation.io.safetensors"));
        let portrait = RgbImage::from_raw(256, 256, portraits.bytes("image0")).unwrap();
        let mask = PersonMask::builtin(&Device::flex());
        let put = |background: &str| {
            let background: Background = background.parse().unwrap();
            background.put_behind(&portrait, &mask)
        };
        // A corner, and the centre of the face.
        let places = |picture: &RgbaImage| [(0, 0), (128, 128)].map(|(x, y)| picture[(x, y)].0);
        let [corner, middle] = places(&put("keep"));
        assert_eq!(places(&put("#0000ff")), [[0, 0, 255, 255], middle]);
        let [clear, same] = places(&put("transparent"));
        assert_eq!((clear[3], same), (0, middle));
        let [blurred, same] = places(&put("blur"));
        assert!(blurred[3] == 255 && same == middle);
        assert!(corner.iter().zip(blurred).all(|(a, b)| a.abs_diff(b) < 40));
    }

    #[test]
    fn an_invalid_background_is_named() {
        let message = "grey".parse::<Background>().unwrap_err();
        assert!(
            message.contains("`grey`") && message.contains("#RRGGBB"),
            "{message}"
        );
    }
}
