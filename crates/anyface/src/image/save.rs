//! Picture files, written whole or not at all.

use std::path::Path;

use image::{ImageBuffer, ImageEncoder, Pixel, RgbImage, codecs::png::PngEncoder};

use super::{JPEG_QUALITY, Mark, PictureFormat};
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

/// Writes a picture that carries its mark, unsigned ([`Seal::save`](crate::provenance::Seal::save)
/// signs), beside its place, then renames it. The extension says the
/// kind of file.
///
/// # Errors
/// [`Error::Picture`] for an extension that no kind has; [`Error::Io`] names the file when it cannot
/// be written.
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
