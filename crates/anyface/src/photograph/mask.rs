//! Masks: images that say which pixels of a photograph may change.

use std::path::Path;

use image::{GrayImage, imageops};

use crate::Error;
use crate::image::{Filter, MAX_PIXELS, decode_with_alpha, read_file, resize};

/// Largest relative difference of the aspect ratios of a mask and its photograph, to allow for
/// rounding to pixels.
const RATIO_TOLERANCE: f64 = 0.02;

/// Reads a mask file, see [`decode_mask`].
///
/// # Errors
/// [`Error::Io`], and those of [`decode_mask`].
pub fn read_mask(path: &Path, size: (u32, u32)) -> Result<GrayImage, Error> {
    decode_mask(&read_file(path)?, &path.display().to_string(), size)
}

/// Decodes a mask for a photograph of `size` (width, height): 255 where pixels may change. These
/// are the transparent pixels, as in OpenAI's API, or, in a fully opaque mask, the white ones.
///
/// # Errors
/// [`Error::Picture`] if the mask is not a picture, has another aspect ratio than the photograph,
/// or lets nothing change; the error names the mask.
pub fn decode_mask(file: &[u8], name: &str, size: (u32, u32)) -> Result<GrayImage, Error> {
    let (picture, alpha) = decode_with_alpha(file, name, MAX_PIXELS)?;
    let mask = match alpha {
        None => imageops::grayscale(&picture),
        Some(mut alpha) => {
            imageops::invert(&mut alpha);
            alpha
        }
    };
    let ratio = |(width, height)| f64::from(width) / f64::from(height);
    if (ratio(mask.dimensions()) / ratio(size) - 1.0).abs() > RATIO_TOLERANCE {
        let ((w, h), (width, height)) = (mask.dimensions(), size);
        let reason = format!("the mask has {w} × {h} pixels, the picture {width} × {height}");
        return Err(Error::picture(name, reason));
    }
    if mask.pixels().all(|pixel| pixel.0[0] == 0) {
        let reason = "the mask lets nothing change: make the pixels to edit transparent or white";
        return Err(Error::picture(name, reason));
    }
    Ok(match mask.dimensions() == size {
        true => mask,
        false => resize(&mask, size.0, size.1, Filter::Bilinear),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgba, RgbaImage};
    use std::io::Cursor;

    fn png(pixel: impl Fn(u32) -> Rgba<u8>) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let picture = RgbaImage::from_fn(4, 2, |x, _| pixel(x));
        picture.write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    }

    #[test]
    fn transparent_or_white_may_change() {
        let row = |file: &[u8]| {
            let mask = decode_mask(file, "mask", (4, 2)).unwrap();
            (0..4)
                .map(|x| mask.get_pixel(x, 1).0[0])
                .collect::<Vec<_>>()
        };
        let clear = png(|x| Rgba([255, 255, 255, if x == 1 { 0 } else { 255 }]));
        assert_eq!(row(&clear), [0, 255, 0, 0]);
        let white = png(|x| match x {
            2 => Rgba([255; 4]),
            _ => Rgba([0, 0, 0, 255]),
        });
        assert_eq!(row(&white), [0, 0, 255, 0]);
    }

    #[test]
    fn a_mask_of_another_shape_or_of_nothing_is_refused() {
        let clear = png(|_| Rgba([0; 4]));
        let refused = |file: &[u8], size| decode_mask(file, "mask", size).unwrap_err().to_string();
        assert!(refused(&clear, (4, 4)).contains("4 × 2"));
        assert_eq!(
            decode_mask(&clear, "mask", (8, 4)).unwrap().dimensions(),
            (8, 4)
        );
        let black = png(|_| Rgba([0, 0, 0, 255]));
        assert!(refused(&black, (4, 2)).contains("nothing"));
    }
}
