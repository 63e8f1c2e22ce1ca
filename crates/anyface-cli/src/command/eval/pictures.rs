//! Options of the real pictures that faces are compared with.

use std::path::{Path, PathBuf};

use anyface::Device;
use anyface::photograph::Detector;
use anyface::recognizer::Recognizer;
use anyface_train::eval::{FolderFaces, Framing};
use anyhow::Result;

/// How faces are cut out of pictures.
#[derive(Debug, clap::Args)]
pub(super) struct FramingArgs {
    /// Crop all pictures to this rectangle: left, top, width and height in pixels
    #[arg(
        long,
        value_name = "X,Y,W,H",
        value_parser = crop,
        requires = "images",
        conflicts_with = "detector"
    )]
    crop: Option<Crop>,
    /// Weights of the face detector YuNet, or set ANYFACE_DETECTOR. Default: the built-in weights.
    /// If ANYFACE_DETECTOR is empty, the middle of a picture counts as an aligned face
    #[arg(long, value_name = "FILE", requires = "images")]
    detector: Option<PathBuf>,
}

/// The face recogniser.
#[derive(Debug, clap::Args)]
pub(super) struct RecognizerArgs {
    /// Weights of the face recogniser MobileFaceNet, or set ANYFACE_RECOGNIZER
    #[arg(long, value_name = "FILE")]
    recognizer: Option<PathBuf>,
}

/// Left, top, width and height in pixels.
type Crop = [u32; 4];

impl FramingArgs {
    /// The faces of a folder, squares of `side` pixels, shuffled by `seed`.
    pub(super) fn faces(&self, folder: &Path, side: u32, seed: u64) -> Result<FolderFaces> {
        let framing = match self.crop {
            Some(crop) => Framing::Cropped(crop),
            None => match Detector::find(self.detector.as_deref())? {
                Some(detector) => Framing::Detected(Box::new(detector)),
                None => Framing::Aligned,
            },
        };
        Ok(FolderFaces::open(folder, framing, side, seed)?)
    }
}

impl RecognizerArgs {
    /// Opens the recogniser, if one is configured.
    pub(super) fn find(&self, device: &Device) -> Result<Option<Recognizer>> {
        Ok(Recognizer::find(self.recognizer.as_deref(), device)?)
    }
}

/// Prints how many pictures were skipped, if any.
pub(super) fn report_left_out(faces: &FolderFaces) {
    if faces.left_out > 0 {
        eprintln!(
            "anyface: no face found in {} pictures, which are skipped",
            faces.left_out
        );
    }
}

/// Parses `X,Y,W,H`.
fn crop(text: &str) -> Result<Crop, String> {
    let numbers: Option<Vec<u32>> = text
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect();
    let crop = numbers.and_then(|numbers| Crop::try_from(numbers).ok());
    crop.filter(|[_, _, width, height]| *width > 0 && *height > 0)
        .ok_or_else(|| "expected left, top, width and height, as in 19,50,140,140".to_owned())
}
