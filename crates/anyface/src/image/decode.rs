//! Decodes picture files to 8-bit RGB in bounded memory.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use image::error::{LimitError, LimitErrorKind};
use image::{
    DynamicImage, GrayImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult,
    Limits, RgbImage, RgbaImage,
};

use super::profile::to_srgb;
use crate::Error;

/// The most pixels of a picture. Common cameras take at most 108 million.
pub const MAX_PIXELS: u64 = 120_000_000;

/// The most bytes of a file. An uncompressed 8-bit picture of [`MAX_PIXELS`] has 360 million.
pub const MAX_FILE: u64 = 400_000_000;

/// The most bytes that a decoder may allocate per allowed pixel: four channels of 16 bits.
const BYTES_OF_PIXEL: u64 = 8;

/// Level of the white background behind transparent pixels.
const BACKGROUND: u32 = 255;

/// The supported formats, for error messages.
const FORMATS: &str = "PNG, JPEG, WebP, GIF, TIFF, BMP or PNM";

/// Reads a picture file as upright RGB: the EXIF orientation is applied.
///
/// Supports PNG, JPEG (including CMYK), WebP, GIF, TIFF, BMP and PNM. The content determines the
/// format, not the file name. Samples of 16 bits are rounded to 8. Transparent pixels are blended
/// with white. Of an animation, only the first frame is read. Colours of an embedded RGB profile,
/// such as Display P3, are converted to sRGB. Peak memory is below 2 GB, and about 6 bytes per
/// pixel for most files.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read; [`Error::Picture`] if it is not a picture, is damaged
/// or truncated, or exceeds [`MAX_FILE`] or [`MAX_PIXELS`].
pub fn read_picture(path: &Path) -> Result<RgbImage, Error> {
    decode_picture(read_file(path)?, &path.display().to_string())
}

/// Reads a picture file. Of a file over [`MAX_FILE`], reads one byte more than that.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    // The additional byte identifies files that are too large. Not every file has a known size.
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|source| Error::io(path, source))?;
    Ok(bytes)
}

/// Like [`read_picture`] for the bytes of a file; `name` is used in errors.
///
/// # Errors
/// [`Error::Picture`], see [`read_picture`].
pub fn decode_picture(bytes: impl AsRef<[u8]>, name: &str) -> Result<RgbImage, Error> {
    decode_picture_within(bytes, name, MAX_PIXELS)
}

/// Like [`decode_picture`] for pictures of at most `max_pixels`.
///
/// # Errors
/// [`Error::Picture`], see [`read_picture`].
pub fn decode_picture_within(
    bytes: impl AsRef<[u8]>,
    name: &str,
    max_pixels: u64,
) -> Result<RgbImage, Error> {
    Ok(decode_with_alpha(bytes, name, max_pixels)?.0)
}

/// Like [`decode_picture_within`], with the alpha channel; `None` if all pixels are opaque.
///
/// # Errors
/// [`Error::Picture`], see [`read_picture`].
pub fn decode_with_alpha(
    bytes: impl AsRef<[u8]>,
    name: &str,
    max_pixels: u64,
) -> Result<(RgbImage, Option<GrayImage>), Error> {
    let content = bytes.as_ref();
    let fail = |reason: String| Err(Error::picture(name, reason));
    if content.is_empty() {
        return fail("the file is empty".to_owned());
    }
    if content.len() as u64 > MAX_FILE {
        return fail(format!(
            "the file is over {} megabytes",
            MAX_FILE / 1_000_000
        ));
    }
    if let Some(format) = unsupported_format(content) {
        return fail(format!(
            "{format} pictures are not supported: convert the file to JPEG or PNG"
        ));
    }
    let Ok(format) = image::guess_format(content) else {
        return fail(format!("not a picture; supported formats are {FORMATS}"));
    };
    // The decoder fills the missing part of a JPEG with grey.
    if format == ImageFormat::Jpeg && !has_end_of_jpeg(content) {
        return fail("the picture is damaged: its end is missing".to_owned());
    }
    decode(bytes, format, max_pixels).or_else(|error| fail(reason(error, max_pixels)))
}

/// Detects picture formats that are not supported.
fn unsupported_format(content: &[u8]) -> Option<&'static str> {
    match (content.get(4..8)?, content.get(8..12)?) {
        (b"ftyp", b"avif" | b"avis") => Some("AVIF"),
        (b"ftyp", b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"mif1" | b"msf1") => {
            Some("HEIC")
        }
        (b"JXL ", _) => Some("JPEG XL"),
        _ => content.starts_with(b"\xFF\x0A").then_some("JPEG XL"),
    }
}

fn decode(
    bytes: impl AsRef<[u8]>,
    format: ImageFormat,
    max_pixels: u64,
) -> ImageResult<(RgbImage, Option<GrayImage>)> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(BYTES_OF_PIXEL * max_pixels);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        let error = LimitError::from_kind(LimitErrorKind::DimensionError);
        return Err(ImageError::Limits(error));
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    // A picture with damaged EXIF data may be intact. It is read without an orientation.
    let orientation = decoder.orientation();
    let profile = decoder.icc_profile().ok().flatten();
    let picture = DynamicImage::from_decoder(decoder)?;
    let (mut picture, alpha) = match picture.color().has_alpha() {
        true => on_white(picture),
        false => (picture.into_rgb8(), None),
    };
    if let Some(profile) = profile {
        to_srgb(&mut picture, &profile);
    }
    let upright = |picture: DynamicImage| {
        let mut picture = picture;
        if let Ok(orientation) = orientation {
            picture.apply_orientation(orientation);
        }
        picture
    };
    let alpha = alpha.map(|alpha| upright(alpha.into()).into_luma8());
    Ok((upright(picture.into()).into_rgb8(), alpha))
}

/// Blends a picture with white. Also returns its alpha channel unless all pixels are opaque.
fn on_white(picture: DynamicImage) -> (RgbImage, Option<GrayImage>) {
    let picture = picture.into_rgba8();
    let (width, height) = picture.dimensions();
    let is_opaque = picture.pixels().all(|pixel| pixel.0[3] == u8::MAX);
    let alpha = (!is_opaque)
        .then(|| GrayImage::from_fn(width, height, |x, y| [picture.get_pixel(x, y).0[3]].into()));
    let mut rgb = RgbImage::new(width, height);
    for (pixel, blended) in picture.pixels().zip(rgb.pixels_mut()) {
        let [channels @ .., alpha] = pixel.0.map(u32::from);
        blended.0 =
            channels.map(|value| ((value * alpha + BACKGROUND * (255 - alpha) + 127) / 255) as u8);
    }
    (rgb, alpha)
}

/// Undoes the blending with white: restores the original colours of pixels that are not fully
/// transparent.
pub(crate) fn off_white(picture: &RgbImage, alpha: &GrayImage) -> RgbaImage {
    RgbaImage::from_fn(picture.width(), picture.height(), |x, y| {
        let opacity = i32::from(alpha.get_pixel(x, y).0[0]);
        let [red, green, blue] = picture.get_pixel(x, y).0.map(|value| {
            let background = BACKGROUND as i32 * (255 - opacity);
            let own = (i32::from(value) * 255 - background + opacity / 2) / opacity.max(1);
            own.clamp(0, 255) as u8
        });
        [red, green, blue, opacity as u8].into()
    })
}

/// Whether a JPEG has its end-of-image marker. Skips segments and scans, so that the end of an
/// embedded thumbnail or of a video after the picture does not count.
fn has_end_of_jpeg(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while let Some(offset) = jpeg
        .get(at..)
        .and_then(|rest| rest.iter().position(|&b| b == 0xFF))
    {
        at += offset + 1;
        match jpeg.get(at) {
            Some(0xD9) => return true,
            // A fill byte. The next byte may be the marker's code.
            Some(0xFF) => {}
            // A stuffed zero in a scan, a restart, or a marker without a segment.
            Some(0x00 | 0x01 | 0xD0..=0xD8) => at += 1,
            Some(_) => match jpeg.get(at + 1..at + 3) {
                Some(&[high, low]) => at += 1 + usize::from(u16::from_be_bytes([high, low])),
                _ => return false,
            },
            None => return false,
        }
    }
    false
}

/// A decoder's error as one line.
fn reason(error: ImageError, max_pixels: u64) -> String {
    match error {
        ImageError::Limits(_) => format!(
            "the picture is too large: {} megapixels at most, of 8 bytes per pixel",
            max_pixels / 1_000_000
        ),
        ImageError::Unsupported(error) => format!("the picture cannot be read: {error}"),
        error => format!("the picture is damaged: {error}"),
    }
    .replace(['\n', '\r'], " ")
}
