//! Real pictures to compare with.

use std::path::{Path, PathBuf};

use anyface::photograph::Detector;
use anyface::recognizer::Recognizer;
use anyface_train::eval::{FolderFaces, Framing};
use anyhow::Result;
use burn::tensor::Device;

/// How the face of a picture is found.
#[derive(Debug, clap::Args)]
pub(super) struct FramingArgs {
    /// Cut every picture to this: left, top, width and height in pixels
    #[arg(long, value_name = "X,Y,W,H", value_parser = crop, requires = "images", conflicts_with = "detector")]
    crop: Option<Crop>,
    /// Other weights of the face detector YuNet than the built-in ones, or set ANYFACE_DETECTOR; where that is empty, the
    /// middle of a picture is taken as an aligned face
    #[arg(long, value_name = "FILE", requires = "images")]
    detector: Option<PathBuf>,
}

/// Who tells persons apart.
#[derive(Debug, clap::Args)]
pub(super) struct RecognizerArgs {
    /// Weights of the recogniser MobileFaceNet, or set ANYFACE_RECOGNIZER
    #[arg(long, value_name = "FILE")]
    recognizer: Option<PathBuf>,
}

/// Left, top, width and height in pixels.
type Crop = [u32; 4];

impl FramingArgs {
    /// The faces of a folder, squares of `side` pixels, in the order that `seed` gives.
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
    pub(super) fn find(&self, device: &Device) -> Result<Option<Recognizer>> {
        Ok(Recognizer::find(self.recognizer.as_deref(), device)?)
    }
}

/// Says how many pictures were left out, if any.
pub(super) fn report_left_out(faces: &FolderFaces) {
    if faces.left_out > 0 {
        eprintln!(
            "anyface: no face found in {} pictures, which are left out",
            faces.left_out
        );
    }
}

/// `X,Y,W,H`.
fn crop(text: &str) -> Result<Crop, String> {
    let numbers: Option<Vec<u32>> = text
        .split(',')
        .map(|part| part.trim().parse().ok())
        .collect();
    let crop = numbers.and_then(|numbers| Crop::try_from(numbers).ok());
    crop.filter(|[_, _, width, height]| *width > 0 && *height > 0)
        .ok_or_else(|| "expected left, top, width and height, as in 19,50,140,140".to_owned())
}
