//! PNG files, written whole or not at all.

use std::path::Path;

use image::{ImageBuffer, ImageEncoder, Pixel, RgbImage, codecs::png::PngEncoder};

use super::{Mark, encode_png};
use crate::Error;
use crate::weights::write_atomically;

/// Writes a picture as PNG beside its place, then renames it.
///
/// # Errors
/// [`Error::Io`] names the file when it cannot be written.
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

/// Writes a picture as PNG that carries its mark, beside its place, then renames it.
///
/// # Errors
/// [`Error::Io`] names the file when it cannot be written.
pub fn save_marked<P: Pixel<Subpixel = u8>>(
    image: &ImageBuffer<P, Vec<u8>>,
    mark: &Mark,
    path: &Path,
) -> Result<(), Error> {
    encode_png(image, mark)
        .and_then(|png| write_atomically(path, &png))
        .map_err(|source| Error::io(path, source))
}
