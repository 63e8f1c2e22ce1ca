//! Conversion of ICC colour profiles to sRGB.

use image::RgbImage;
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};

/// Converts a picture from the colour space of an ICC profile to sRGB. The picture does not change
/// if the profile is damaged or is not an RGB profile.
pub(super) fn to_srgb(picture: &mut RgbImage, profile: &[u8]) {
    let Some(profile) = ColorProfile::new_from_slice(profile).ok() else {
        return;
    };
    if profile.color_space != DataColorSpace::Rgb {
        return;
    }
    let transform = profile.create_transform_8bit(
        Layout::Rgb,
        &ColorProfile::new_srgb(),
        Layout::Rgb,
        TransformOptions::default(),
    );
    let Ok(transform) = transform else { return };
    let convert = |from: &[u8], to: &mut [u8]| transform.transform(from, to).is_ok();
    if is_identity(convert) {
        return;
    }
    let row = picture.width() as usize * 3;
    let mut before = vec![0; row];
    for pixels in picture.chunks_exact_mut(row.max(1)) {
        before.copy_from_slice(pixels);
        if !convert(&before, pixels) {
            pixels.copy_from_slice(&before);
        }
    }
}

/// Whether a conversion changes colours across the RGB cube by at most one level. Most embedded
/// profiles are sRGB; converting them would only add rounding errors.
fn is_identity(convert: impl Fn(&[u8], &mut [u8]) -> bool) -> bool {
    const LEVELS: [u8; 6] = [0, 51, 102, 153, 204, 255];
    let colors = LEVELS.iter().flat_map(|&r| {
        let pairs = LEVELS.iter().flat_map(|&g| LEVELS.map(|b| [g, b]));
        pairs.flat_map(move |[g, b]| [r, g, b])
    });
    let before: Vec<u8> = colors.collect();
    let mut after = vec![0; before.len()];
    convert(&before, &mut after) && before.iter().zip(&after).all(|(a, b)| a.abs_diff(*b) <= 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::decode_picture;
    use image::codecs::jpeg::JpegEncoder;
    use image::codecs::png::PngEncoder;
    use image::{ExtendedColorType, ImageEncoder, Rgb};

    /// Colours inside the gamuts of sRGB, Display P3 and Adobe RGB.
    fn picture() -> RgbImage {
        RgbImage::from_fn(32, 32, |x, y| {
            Rgb([40 + 5 * x as u8, 60 + 4 * y as u8, 90 + 2 * (x + y) as u8])
        })
    }

    /// The picture in the colour space of a profile.
    fn in_profile(profile: &ColorProfile) -> RgbImage {
        converted(&picture(), &ColorProfile::new_srgb(), profile)
    }

    /// A picture converted between profiles in floating point.
    fn converted(picture: &RgbImage, from: &ColorProfile, into: &ColorProfile) -> RgbImage {
        let (width, height) = picture.dimensions();
        let options = TransformOptions::default();
        let transform = from.create_transform_f32(Layout::Rgb, into, Layout::Rgb, options);
        let from: Vec<f32> = picture.iter().map(|&v| f32::from(v) / 255.0).collect();
        let mut to = vec![0.0; from.len()];
        transform.unwrap().transform(&from, &mut to).unwrap();
        let bytes = to.iter().map(|v| (v * 255.0).round() as u8).collect();
        RgbImage::from_raw(width, height, bytes).unwrap()
    }

    fn png(picture: &RgbImage, profile: Vec<u8>) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = PngEncoder::new(&mut file);
        encoder.set_icc_profile(profile).unwrap();
        let (width, height) = picture.dimensions();
        encoder
            .write_image(picture, width, height, ExtendedColorType::Rgb8)
            .unwrap();
        file
    }

    #[test]
    fn pictures_of_other_profiles_are_read_as_srgb_within_a_level() {
        for profile in [
            ColorProfile::new_display_p3(),
            ColorProfile::new_adobe_rgb(),
        ] {
            let stored = in_profile(&profile);
            assert_ne!(stored, picture(), "the profile changes the colours");
            let read = decode_picture(png(&stored, profile.encode().unwrap()), "test").unwrap();
            // The stored colours are rounded, so they are the reference, not the original picture.
            let exact = converted(&stored, &profile, &ColorProfile::new_srgb());
            let differences = read.iter().zip(exact.iter()).map(|(a, b)| a.abs_diff(*b));
            assert!(differences.max().unwrap() <= 1);
        }
    }

    #[test]
    fn an_srgb_or_invalid_profile_changes_nothing() {
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        for profile in [srgb, b"no profile".to_vec()] {
            assert_eq!(
                decode_picture(png(&picture(), profile), "test").unwrap(),
                picture()
            );
        }
        let mut jpeg = Vec::new();
        JpegEncoder::new(&mut jpeg)
            .encode_image(&picture())
            .unwrap();
        assert!(decode_picture(jpeg, "test").is_ok());
    }
}
