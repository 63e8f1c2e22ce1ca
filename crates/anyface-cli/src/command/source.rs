//! Where a command takes its face from.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyface::{Engine, Latent};
use anyhow::{Context, Result};
use image::RgbImage;

/// `seed:N`, or a file: a picture, or a latent.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Seed(u64),
    File(PathBuf),
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let seed = text.strip_prefix("seed:").and_then(|n| n.parse().ok());
        Ok(seed.map_or_else(|| Self::File(text.into()), Self::Seed))
    }
}

impl Source {
    /// The face; a picture is inverted, with `refine` steps of refinement.
    pub(crate) fn latent(&self, engine: &Engine, refine: u32) -> Result<Latent> {
        match self {
            Self::Seed(seed) => Ok(engine.random_face(*seed)),
            Self::File(path) if is_picture(path)? => {
                Ok(engine.invert(&open_picture(path)?, refine as usize)?)
            }
            Self::File(path) => Ok(engine.load_latent(path)?),
        }
    }
}

/// Whether a file begins as some picture does.
fn is_picture(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(64)
        .read_to_end(&mut start)
        .with_context(|| path.display().to_string())?;
    Ok(image::guess_format(&start).is_ok())
}

/// Reads a picture of one aligned face, and cuts what is not square.
pub(crate) fn open_picture(path: &Path) -> Result<RgbImage> {
    let picture = image::open(path).with_context(|| path.display().to_string())?;
    let side = picture.width().min(picture.height());
    let (left, top) = (picture.width() - side, picture.height() - side);
    Ok(picture.crop_imm(left / 2, top / 2, side, side).into_rgb8())
}
