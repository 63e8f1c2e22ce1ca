//! Atomic writing of picture files.

use std::path::Path;

use image::{ImageBuffer, ImageEncoder, Pixel, RgbImage, codecs::png::PngEncoder};

use super::{JPEG_QUALITY, Mark, PictureFormat};
use crate::Error;
use crate::weights::write_atomically;

/// Writes a picture as PNG, atomically and without a mark.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written; it names the file.
pub fn save_png(image: &RgbImage, path: &Path) -> Result<(), Error> {
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(
            image,
            image.width(),
            image.height(),
            image::ExtendedColorType::Rgb8,
        )
        .map_err(std::io::Error::other)
        .and_then(|()| write_atomically(path, &png))
        .map_err(|source| Error::io(path, source))
}

/// Writes a picture with its mark, atomically. The extension selects the format. The file is not
/// signed; [`Seal::save`](crate::provenance::Seal::save) signs.
///
/// # Errors
/// [`Error::Picture`] if no format has the extension; [`Error::Io`] if the file cannot be written.
/// Both name the file.
pub fn save_marked<P: Pixel<Subpixel = u8>>(
    image: &ImageBuffer<P, Vec<u8>>,
    mark: &Mark,
    path: &Path,
) -> Result<(), Error> {
    PictureFormat::for_file(path)?
        .encode(image, mark, JPEG_QUALITY)
        .and_then(|file| write_atomically(path, &file))
        .map_err(|source| Error::io(path, source))
}
