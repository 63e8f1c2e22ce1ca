//! A picture that is not yet decoded, and the square that is made of it.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyface::image::{Color, Filter, decode_picture, resize};
use anyface::segmentation::{PersonMask, fill_background};
use burn::tensor::Device;
use image::{RgbImage, imageops};

use crate::error::{Result, TrainError};

/// The square that is made of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    /// Side in pixels, R.
    pub(super) size: u32,
    /// Left, top, width and height in pixels; the largest square in the middle without.
    pub(super) crop: Option<[u32; 4]>,
    /// What is laid over everything but the person.
    pub(super) background: Option<Color>,
}

/// A picture that is not yet decoded.
#[derive(Debug, Clone)]
pub(super) enum Picture {
    /// A file.
    File(PathBuf),
    /// The bytes of one inside another file, which stands in front of its name in errors.
    Bytes {
        /// `archive.zip/00001.png`.
        name: PathBuf,
        /// The file.
        bytes: Vec<u8>,
    },
    /// A part of another file, as it stands there.
    Part {
        /// `archive.zip/00001.png`.
        name: PathBuf,
        /// The other file.
        file: PathBuf,
        /// Bytes before it.
        start: u64,
        /// Its own bytes.
        length: u64,
    },
}

impl Picture {
    /// What errors call it.
    pub(super) fn name(&self) -> &Path {
        match self {
            Self::File(name) | Self::Bytes { name, .. } | Self::Part { name, .. } => name,
        }
    }

    /// The file, not decoded.
    ///
    /// # Errors
    /// It cannot be read.
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

/// Makes squares of pictures.
pub(super) struct Cutter {
    cut: Cut,
    mask: Option<PersonMask>,
}

impl Cutter {
    pub(super) fn new(cut: Cut) -> Self {
        let mask = cut.background.map(|_| PersonMask::builtin(&Device::flex()));
        Self { cut, mask }
    }

    /// Decodes a file, lays the background over the whole picture, cuts out and resizes: RGB, `[R, R, 3]`.
    ///
    /// # Errors
    /// The file, which errors call `name`, is no picture or smaller than the crop.
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

/// What lies within left, top, width and height of a picture.
///
/// # Errors
/// The picture, which came from `path`, does not reach so far.
pub(crate) fn crop(picture: &RgbImage, [x, y, w, h]: [u32; 4], path: &Path) -> Result<RgbImage> {
    let (width, height) = picture.dimensions();
    if x.saturating_add(w) > width || y.saturating_add(h) > height {
        return Err(TrainError::Damaged {
            path: path.to_owned(),
            message: format!("is {width}×{height}, smaller than `crop` reaches"),
        });
    }
    Ok(imageops::crop_imm(picture, x, y, w, h).to_image())
}

/// Some bytes of a file.
fn read_part(file: &Path, start: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}
