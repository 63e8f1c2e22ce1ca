//! The face that a command starts from.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyface::photograph::{DETECTOR_VARIABLE, Detector, Photograph};
use anyface::{Engine, Latent, REFINEMENT_STEPS};
use anyhow::{Context, Result};

/// `seed:N`, or a file that contains a picture or a latent.
#[derive(Debug, Clone)]
pub(crate) enum FaceSource {
    Seed(u64),
    File(PathBuf),
}

impl FromStr for FaceSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let seed = text.strip_prefix("seed:").and_then(|n| n.parse().ok());
        Ok(seed.map_or_else(|| Self::File(text.into()), Self::Seed))
    }
}

/// Selects a face in a picture.
#[derive(Debug, clap::Args)]
pub(crate) struct FaceArgs {
    /// Index of the face in the picture; 0 is the largest
    #[arg(long = "face", value_name = "K", default_value_t = 0)]
    number: usize,
    /// Weights of the face detector YuNet, or set ANYFACE_DETECTOR. Default: the built-in weights.
    /// If ANYFACE_DETECTOR is empty, a picture counts as one aligned face
    #[arg(long, value_name = "FILE")]
    detector: Option<PathBuf>,
}

/// Options of the inversion of a picture.
#[derive(Debug, clap::Args)]
pub(crate) struct PictureArgs {
    #[command(flatten)]
    face: FaceArgs,
    /// Refine the latent of a picture by N optimisation steps
    #[arg(
        long,
        value_name = "N",
        default_value_t = REFINEMENT_STEPS,
        value_parser = clap::value_parser!(u32).range(0..=10_000)
    )]
    refine: u32,
}

impl FaceArgs {
    /// The aligned face of a picture, a square of `side` pixels. Without a detector, prints a
    /// notice on stderr.
    pub(crate) fn open(&self, path: &Path, side: u32) -> Result<Photograph> {
        let detector = Detector::find(self.detector.as_deref())?;
        if detector.is_none() {
            eprintln!(
                "anyface: {DETECTOR_VARIABLE} is empty: {} is taken as one aligned face",
                path.display()
            );
        }
        Ok(Photograph::open(
            path,
            detector.as_ref(),
            self.number,
            side,
        )?)
    }
}

impl PictureArgs {
    /// The aligned face of a picture, at the engine's resolution.
    pub(crate) fn open(&self, engine: &Engine, path: &Path) -> Result<Photograph> {
        self.face.open(path, engine.resolution())
    }

    /// The latent of an aligned face.
    pub(crate) fn invert(&self, engine: &Engine, photograph: &Photograph) -> Latent {
        engine.invert(&photograph.face, self.refine)
    }
}

impl FaceSource {
    /// The seed, if the source is one.
    pub(crate) const fn seed(&self) -> Option<u64> {
        match self {
            Self::Seed(seed) => Some(*seed),
            Self::File(_) => None,
        }
    }

    /// The bytes of the source file, if it is a picture. Edits name it as their parent.
    pub(crate) fn parent(&self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::File(path) if is_picture(path)? => {
                let file = fs::read(path).with_context(|| path.display().to_string())?;
                Ok(Some(file))
            }
            _ => Ok(None),
        }
    }

    /// The latent of the face, and the photograph if the source is a picture.
    pub(crate) fn open(
        &self,
        engine: &Engine,
        args: &PictureArgs,
    ) -> Result<(Latent, Option<Photograph>)> {
        match self {
            Self::Seed(seed) => {
                let truncation = engine.config().truncation;
                Ok((engine.random_face(*seed, truncation), None))
            }
            Self::File(path) if is_picture(path)? => {
                let photograph = args.open(engine, path)?;
                Ok((args.invert(engine, &photograph), Some(photograph)))
            }
            Self::File(path) => Ok((engine.load_latent(path)?, None)),
        }
    }
}

/// Whether a file starts with the signature of an image format.
fn is_picture(path: &Path) -> Result<bool> {
    let mut start = Vec::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(64)
        .read_to_end(&mut start)
        .with_context(|| path.display().to_string())?;
    Ok(image::guess_format(&start).is_ok())
}
