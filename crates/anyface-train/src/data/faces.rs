//! Labelled faces, rendered or photographed.

use std::path::Path;

use anyface_portraits::Attributes;
use anyface_portraits::caption::Caption;
use anyface_portraits::latent::LATENT_DIM;
use burn::tensor::{Device, Tensor};

use super::photographs::{Photographs, PhotographsConfig};
use super::portraits::PortraitsConfig;
use super::rendered::RenderedFaces;
use crate::error::{Result, TrainError};

/// Number of captions that the grammar writes for a face, as in Multi-Modal CelebA-HQ.
pub(super) const CAPTIONS: usize = 10;

/// Labelled faces of one resolution. Indices are below [`Faces::len`].
pub trait Faces: Send + Sync {
    /// Number of faces.
    fn len(&self) -> usize;

    /// Whether there are no faces.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Side of the pictures in pixels, R.
    fn size(&self) -> usize;

    /// Pictures in [−1, 1]: `[N, 3, R, R]`.
    fn images(&self, indices: &[usize], device: &Device) -> Tensor<4>;

    /// Known attributes of a face. All are unknown if the face has only captions.
    fn attributes(&self, index: usize) -> Attributes;

    /// Number of captions of a face.
    fn captions(&self, index: usize) -> usize;

    /// Caption `number` of a face, `number` below [`Faces::captions`]. Deterministic.
    fn caption(&self, index: usize, number: usize) -> Caption;

    /// The latent a face was rendered from. Photographs have none.
    fn latent(&self, _index: usize) -> Option<&[f32; LATENT_DIM]> {
        None
    }

    /// Precomputed caption features by an external text tower, for data without caption texts.
    fn features(&self, _index: usize) -> &[Vec<f32>] {
        &[]
    }
}

/// Training faces and held-out faces.
pub struct FaceSplit {
    /// Faces for training.
    pub training: Box<dyn Faces>,
    /// Faces for evaluation only. Their captions use words that the grammar keeps out of training.
    pub held_out: Box<dyn Faces>,
}

impl FaceSplit {
    /// Opens the faces of a configuration file.
    ///
    /// With a table `[portraits]`, the last `held_out` portraits are for evaluation. Missing
    /// portraits are rendered first. With a table `[photographs]`, the layout determines the split,
    /// and at most `held_out` photographs are used for evaluation.
    ///
    /// # Errors
    /// The file has both tables or neither, a part of the split is empty, or the faces cannot be
    /// read.
    pub fn open(
        file: &Path,
        portraits: Option<&PortraitsConfig>,
        photographs: Option<&PhotographsConfig>,
        held_out: usize,
    ) -> Result<Self> {
        let split = match (portraits, photographs) {
            (Some(portraits), None) => RenderedFaces::open(portraits, held_out)?,
            (None, Some(photographs)) => Photographs::open(photographs, held_out)?,
            _ => {
                let message = "needs exactly one of the tables [portraits] and [photographs]";
                return Err(TrainError::config(file, message));
            }
        };
        if split.training.is_empty() {
            return Err(TrainError::config(file, "leaves no training faces"));
        }
        for_evaluation(file, &*split.held_out)?;
        Ok(split)
    }

    /// Side of the pictures in pixels, R.
    pub fn size(&self) -> usize {
        self.training.size()
    }
}

/// All held-out faces of the table `[photographs]`. Training pictures are not decoded.
///
/// # Errors
/// As [`FaceSplit::open`].
pub fn held_out_photographs(
    file: &Path,
    photographs: &PhotographsConfig,
) -> Result<Box<dyn Faces>> {
    let faces = Photographs::held_out(photographs)?;
    for_evaluation(file, &faces)?;
    Ok(Box::new(faces))
}

fn for_evaluation(file: &Path, faces: &dyn Faces) -> Result<()> {
    match faces.is_empty() {
        true => Err(TrainError::config(file, "leaves no faces for evaluation")),
        false => Ok(()),
    }
}
