//! The kinds of picture files that are written.

use std::io;
use std::path::Path;

use image::{DynamicImage, ImageBuffer, Pixel, RgbImage, RgbaImage};

use super::{Mark, encode_jpeg, encode_png, encode_webp};
use crate::Error;

/// Quality of JPEG files where nobody says another.
pub const JPEG_QUALITY: u8 = 95;

/// A kind of picture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
    /// The extensions that [`PictureFormat::of_path`] knows, for messages.
    pub const EXTENSIONS: &'static str = ".png, .jpg or .webp";

    /// The kind that the extension of a file name stands for, in either case.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }

    /// The kind that the extension of a file name stands for.
    ///
    /// # Errors
    /// [`Error::Picture`] for an extension that no kind has.
    pub fn for_file(path: &Path) -> Result<Self, Error> {
        Self::of_path(path).ok_or_else(|| {
            let reason = format!("a picture is written as {}", Self::EXTENSIONS);
            Error::picture(&path.display().to_string(), reason)
        })
    }

    /// Whether files of this kind can be transparent.
    pub fn has_alpha(self) -> bool {
        self != Self::Jpeg
    }

    /// A picture as a file that carries its mark; `quality`, from 1 to 100, is that of JPEG.
    ///
    /// # Errors
    /// As [`encode_png`], [`encode_jpeg`] and [`encode_webp`]; when a JPEG file would have to be
    /// transparent.
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

/// The picture, with alpha only where some pixel is not opaque.
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
    fn the_extension_says_the_kind() {
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
    fn every_kind_is_what_it_is_called_and_carries_its_mark() {
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
    fn alpha_survives_where_the_kind_has_it() {
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
