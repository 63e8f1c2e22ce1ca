//! Labelled faces, wherever they come from.

use std::path::Path;

use anyface_portraits::Attributes;
use anyface_portraits::caption::Caption;
use anyface_portraits::latent::LATENT_DIM;
use burn::tensor::{Device, Tensor};

use super::photographs::{Photographs, PhotographsConfig};
use super::portraits::PortraitsConfig;
use super::rendered::RenderedFaces;
use crate::error::{Result, TrainError};

/// Captions that the grammar writes of a face, as many as in Multi-Modal CelebA-HQ.
pub(super) const CAPTIONS: usize = 10;

/// Faces of one size, with all that is known of them. Indices run from 0 to [`Faces::len`].
pub trait Faces: Send + Sync {
    /// Number of faces.
    fn len(&self) -> usize;

    /// Whether there is no face.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Side of the pictures in pixels, R.
    fn size(&self) -> usize;

    /// Some pictures in ±1: `[N, 3, R, R]`.
    fn images(&self, indices: &[usize], device: &Device) -> Tensor<4>;

    /// What is known of a face; nothing, if it has captions only.
    fn attributes(&self, index: usize) -> Attributes;

    /// How many captions a face has.
    fn captions(&self, index: usize) -> usize;

    /// A caption of a face, `number` below [`Faces::captions`]: the same on every call.
    fn caption(&self, index: usize, number: usize) -> Caption;

    /// The latent that a face was rendered from; photographs have none.
    fn latent(&self, _index: usize) -> Option<&[f32; LATENT_DIM]> {
        None
    }

    /// Features of captions by the text tower of somebody else, where the data has them in the place of words.
    fn features(&self, _index: usize) -> &[Vec<f32>] {
        &[]
    }
}

/// Faces to learn from, and others for evaluation only.
pub struct FaceSplit {
    /// To learn from.
    pub training: Box<dyn Faces>,
    /// For evaluation only; their captions use words that the grammar keeps out of training.
    pub held_out: Box<dyn Faces>,
}

impl FaceSplit {
    /// Opens the faces of a configuration file: its table `[portraits]`, of which the last `held_out` are for evaluation
    /// only, rendered first where they are missing; or its table `[photographs]`, whose layout tells which are for
    /// evaluation, `held_out` of them at most.
    ///
    /// # Errors
    /// The file has both tables or none; no face is left to learn from or to evaluate on; the faces cannot be read.
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
                let message = "needs one of the tables [portraits] and [photographs]";
                return Err(TrainError::config(file, message));
            }
        };
        if split.training.is_empty() {
            return Err(TrainError::config(file, "leaves no face to learn from"));
        }
        for_evaluation(file, &*split.held_out)?;
        Ok(split)
    }

    /// Side of the pictures in pixels, R.
    pub fn size(&self) -> usize {
        self.training.size()
    }
}

/// All faces that the table `[photographs]` of a configuration file holds out; those to learn from are not decoded.
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
        true => Err(TrainError::config(file, "leaves no face for evaluation")),
        false => Ok(()),
    }
}
