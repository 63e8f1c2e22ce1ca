//! Encoded pictures, and how they are cropped and resized to squares.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyface::image::{Color, Filter, decode_picture, resize};
use anyface::segmentation::{PersonMask, fill_background};
use burn::tensor::Device;
use image::{RgbImage, imageops};

use crate::error::{Result, TrainError};

/// How a picture becomes a square.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Side in pixels, R.
    pub(super) size: u32,
    /// Crop: left, top, width and height in pixels. Default: the largest centred square.
    pub(super) crop: Option<[u32; 4]>,
    /// Colour that replaces the background.
    pub(super) background: Option<Color>,
}

/// An encoded picture.
#[derive(Debug, Clone)]
pub(super) enum Picture {
    /// A file.
    File(PathBuf),
    /// Bytes that come from another file. `name` appears in errors.
    Bytes {
        /// `archive.zip/00001.png`.
        name: PathBuf,
        /// The encoded picture.
        bytes: Vec<u8>,
    },
    /// A range of bytes in another file.
    Part {
        /// `archive.zip/00001.png`.
        name: PathBuf,
        /// The file that contains it.
        file: PathBuf,
        /// Offset in bytes.
        start: u64,
        /// Length in bytes.
        length: u64,
    },
}

impl Picture {
    /// Name used in errors.
    pub(super) fn name(&self) -> &Path {
        match self {
            Self::File(name) | Self::Bytes { name, .. } | Self::Part { name, .. } => name,
        }
    }

    /// The encoded bytes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        match self {
            Self::Bytes { bytes, .. } => Ok(bytes.into()),
            Self::File(path) => Ok(std::fs::read(path).map_err(TrainError::io(path))?.into()),
            Self::Part {
                file,
                start,
                length,
                ..
            } => {
                let bytes = read_part(file, *start, *length).map_err(TrainError::io(file))?;
                Ok(bytes.into())
            }
        }
    }
}

/// Decodes, crops and resizes pictures.
pub(super) struct Cutter {
    cut: Cut,
    mask: Option<PersonMask>,
}

impl Cutter {
    pub(super) fn new(cut: Cut) -> Self {
        let mask = cut.background.map(|_| PersonMask::builtin(&Device::flex()));
        Self { cut, mask }
    }

    /// Decodes a file, replaces the background, crops and resizes: RGB, `[R, R, 3]`.
    ///
    /// # Errors
    /// The file is not a picture or is smaller than the crop. The error uses `name`.
    pub(super) fn square(&self, file: &[u8], name: &Path) -> Result<Vec<u8>> {
        let mut picture = decode_picture(file, &name.display().to_string())?;
        if let (Some(mask), Some(color)) = (&self.mask, self.cut.background) {
            let mask = mask.mask(&picture);
            fill_background(&mut picture, &mask, color);
        }
        let (width, height) = picture.dimensions();
        let side = width.min(height);
        let middle = [(width - side) / 2, (height - side) / 2, side, side];
        let cropped = crop(&picture, self.cut.crop.unwrap_or(middle), name)?;
        let size = self.cut.size;
        Ok(resize(&cropped, size, size, Filter::Lanczos).into_raw())
    }
}

/// The part of a picture within left, top, width and height.
///
/// # Errors
/// The crop reaches beyond the picture. The error names `path`.
pub(crate) fn crop(picture: &RgbImage, [x, y, w, h]: [u32; 4], path: &Path) -> Result<RgbImage> {
    let (width, height) = picture.dimensions();
    if x.saturating_add(w) > width || y.saturating_add(h) > height {
        return Err(TrainError::Damaged {
            path: path.to_owned(),
            message: format!("is {width}×{height}, smaller than `crop`"),
        });
    }
    Ok(imageops::crop_imm(picture, x, y, w, h).to_image())
}

/// Reads `length` bytes from offset `start`.
fn read_part(file: &Path, start: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
