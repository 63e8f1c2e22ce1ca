//! Formats of written picture files.

use std::io;
use std::path::Path;

use image::{DynamicImage, ImageBuffer, Pixel, RgbImage, RgbaImage};

use super::{Mark, encode_jpeg, encode_png, encode_webp};
use crate::Error;

/// Default quality of JPEG files, from 1 to 100.
pub const JPEG_QUALITY: u8 = 95;

/// A format of written picture files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PictureFormat {
    /// Lossless, with alpha.
    #[default]
    Png,
    /// Small, without alpha.
    Jpeg,
    /// Lossless, with alpha, smaller than PNG.
    WebP,
}

impl PictureFormat {
    /// The extensions that [`PictureFormat::of_path`] knows, for error messages.
    pub const EXTENSIONS: &'static str = ".png, .jpg or .webp";

    /// The format of a file name's extension, in upper or lower case.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }

    /// Like [`PictureFormat::of_path`], with an error in place of `None`.
    ///
    /// # Errors
    /// [`Error::Picture`] if no format has the extension.
    pub fn for_file(path: &Path) -> Result<Self, Error> {
        Self::of_path(path).ok_or_else(|| {
            let reason = format!("unknown picture format: use {}", Self::EXTENSIONS);
            Error::picture(&path.display().to_string(), reason)
        })
    }

    /// Whether the format supports transparency.
    pub fn has_alpha(self) -> bool {
        self != Self::Jpeg
    }

    /// Encodes a picture with its mark. `quality`, from 1 to 100, applies to JPEG.
    ///
    /// # Errors
    /// The errors of [`encode_png`], [`encode_jpeg`] and [`encode_webp`]; also if a picture with
    /// transparent pixels is encoded as JPEG.
    pub fn encode<P: Pixel<Subpixel = u8>>(
        self,
        image: &ImageBuffer<P, Vec<u8>>,
        mark: &Mark,
        quality: u8,
    ) -> io::Result<Vec<u8>> {
        match self {
            Self::Png => encode_png(image, mark),
            Self::WebP => encode_webp(&plain(image), mark),
            Self::Jpeg => match plain(image) {
                DynamicImage::ImageRgb8(image) => encode_jpeg(&image, mark, quality),
                _ => Err(io::Error::other("a JPEG file cannot be transparent")),
            },
        }
    }
}

/// The picture as RGB if all pixels are opaque, else as RGBA.
fn plain<P: Pixel<Subpixel = u8>>(image: &ImageBuffer<P, Vec<u8>>) -> DynamicImage {
    let (width, height) = image.dimensions();
    let at = |x, y| image.get_pixel(x, y);
    match image.pixels().all(|pixel| pixel.to_rgba().0[3] == u8::MAX) {
        true => RgbImage::from_fn(width, height, |x, y| at(x, y).to_rgb()).into(),
        false => RgbaImage::from_fn(width, height, |x, y| at(x, y).to_rgba()).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::read_mark;

    #[test]
    fn the_extension_selects_the_format() {
        let kind = |name: &str| PictureFormat::of_path(Path::new(name));
        assert_eq!(kind("a/b.c.PNG"), Some(PictureFormat::Png));
        assert_eq!(kind("x.jpg"), Some(PictureFormat::Jpeg));
        assert_eq!(kind("x.JPEG"), Some(PictureFormat::Jpeg));
        assert_eq!(kind("x.webp"), Some(PictureFormat::WebP));
        for none in ["x.bmp", "faces", "png", ".png", "x."] {
            assert_eq!(kind(none), None, "{none}");
        }
    }

    #[test]
    fn every_format_is_written_with_its_mark() {
        let image = RgbImage::from_fn(8, 6, |x, y| image::Rgb([30 * x as u8, 40 * y as u8, 9]));
        let mark = Mark {
            prompt: Some("an old sailor".to_owned()),
            ..Mark::new("portraits")
        };
        for (kind, format) in [
            (PictureFormat::Png, image::ImageFormat::Png),
            (PictureFormat::Jpeg, image::ImageFormat::Jpeg),
            (PictureFormat::WebP, image::ImageFormat::WebP),
        ] {
            let file = kind.encode(&image, &mark, JPEG_QUALITY).unwrap();
            assert_eq!(image::guess_format(&file).unwrap(), format);
            assert_eq!(read_mark(&file).as_ref(), Some(&mark), "{kind:?}");
            let read = image::load_from_memory(&file).unwrap().into_rgb8();
            assert!(kind == PictureFormat::Jpeg || read == image, "{kind:?}");
        }
    }

    #[test]
    fn png_and_webp_keep_alpha_and_jpeg_refuses_it() {
        let image = RgbaImage::from_fn(4, 4, |x, _| image::Rgba([9, 8, 7, 60 * x as u8]));
        let mark = Mark::new("portraits");
        for kind in [PictureFormat::Png, PictureFormat::WebP] {
            let file = kind.encode(&image, &mark, JPEG_QUALITY).unwrap();
            let read = image::load_from_memory(&file).unwrap();
            assert_eq!(read.as_rgba8(), Some(&image), "{kind:?}");
        }
        assert!(PictureFormat::Jpeg.encode(&image, &mark, 90).is_err());
    }
}
