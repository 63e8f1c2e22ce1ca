//! The interface between the server and the networks, in plain data.

use std::sync::Arc;

use anyface::image::Mark;
use image::RgbImage;

/// An extended latent w⁺ `[L, D]`, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentValues(pub Vec<f32>);

/// Description of a model.
#[derive(Debug, Clone)]
pub struct About {
    /// Name of the model, as `GET /v1/models` lists it.
    pub model: String,
    /// Licence of the weights.
    pub license: String,
    /// Example descriptions.
    pub examples: Vec<String>,
    /// Example edits.
    pub ideas: Vec<String>,
    /// Side of the images in pixels.
    pub resolution: u32,
    /// Shape `[L, D]` of the latents.
    pub latent: [usize; 2],
    /// Default truncation ψ, 0 to 1.
    pub truncation: f64,
    /// Whether the model edits faces.
    pub edits: bool,
    /// Whether the model inverts photos. If not, no task contains one.
    pub inverts: bool,
}

/// The source of a face.
#[derive(Debug, Clone)]
pub enum FaceSource {
    /// A description and a seed.
    Words {
        /// Captions of one face.
        captions: Vec<String>,
        /// Seed of what the captions leave open.
        seed: u64,
        /// Truncation ψ, 0 to 1; `None` for the model's default.
        truncation: Option<f64>,
    },
    /// A latent from an earlier response.
    Latent(LatentValues),
    /// The aligned face of a photo, at the model's resolution.
    Photo(RgbImage),
    /// An interpolation of two latents.
    Mix {
        /// The latent at `t` = 0.
        from: LatentValues,
        /// The latent at `t` = 1.
        to: LatentValues,
        /// Position between them, 0 to 1.
        t: f64,
    },
}

/// One edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Description of the change.
    pub text: String,
    /// Strength, −1 to 1.
    pub strength: f64,
    /// Descriptions of what must not change.
    pub keep: Vec<String>,
}

/// One face to make: its source and its edits.
#[derive(Debug, Clone)]
pub struct Task {
    /// The source.
    pub source: FaceSource,
    /// The edits, applied one after another.
    pub edits: Vec<Edit>,
    /// The latent of a photo before the edits, if `source` is a latent of that photo.
    pub before: Option<LatentValues>,
    /// Number of sketches to draw before the face.
    pub sketches: usize,
}

impl Task {
    /// The seed, if the source is a description.
    pub const fn seed(&self) -> Option<u64> {
        match self.source {
            FaceSource::Words { seed, .. } => Some(seed),
            _ => None,
        }
    }

    /// Number of words in the captions and edits.
    pub fn words(&self) -> usize {
        let captions: &[String] = match &self.source {
            FaceSource::Words { captions, .. } => captions,
            _ => &[],
        };
        let texts = captions.iter().chain(self.edits.iter().map(|e| &e.text));
        texts.map(|text| text.split_whitespace().count()).sum()
    }

    /// The mark of the image. It contains the prompt and the seed if `with_prompt` is set.
    pub fn mark(&self, model: &str, with_prompt: bool) -> Mark {
        let described = match &self.source {
            FaceSource::Words { captions, .. } => Some(captions.join(" ")),
            _ => None,
        };
        let edited = self.edits.iter().map(|edit| match edit.strength {
            1.0 => edit.text.clone(),
            strength => format!("{} ({strength:+})", edit.text),
        });
        let words: Vec<_> = described.into_iter().chain(edited).collect();
        Mark {
            prompt: (with_prompt && !words.is_empty()).then(|| words.join(" → ")),
            seed: self.seed().filter(|_| with_prompt),
            ..Mark::new(model)
        }
    }
}

/// A finished face.
#[derive(Debug, Clone)]
pub struct GeneratedFace {
    /// The image.
    pub image: RgbImage,
    /// The face of a photo before the edits, drawn by the model. Set for tasks whose source is a
    /// photo or that have [`Task::before`].
    pub before: Option<RgbImage>,
    /// The latent of the image.
    pub latent: LatentValues,
    /// Cosine similarity of the CLIP features of image and description, −1 to 1. Set for tasks with
    /// a description and no edits.
    pub clip_score: Option<f32>,
    /// Words of the description that have no effect on the face.
    pub not_understood: Vec<String>,
}

/// Errors of a studio.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudioError {
    /// The task is invalid. This is an error of the client.
    #[error("{message}")]
    Invalid {
        /// The error message.
        message: String,
        /// The field of the request that caused the error, if known.
        param: Option<&'static str>,
    },
    /// The studio failed. This is an error of the server.
    #[error("{0}")]
    Failed(String),
}

/// The description of a face.
#[derive(Debug, Clone)]
pub struct SeenFace {
    /// The description in one sentence.
    pub description: String,
    /// Attributes by name, with the confidence in each, 0 to 1.
    pub attributes: Vec<(&'static str, f32)>,
    /// Those of the model's example edits that the face does not show yet.
    pub ideas: Vec<String>,
}

/// Describes faces.
pub trait Describer: Send + Sync + 'static {
    /// Describes an aligned, square face.
    fn describe(&self, face: &RgbImage) -> SeenFace;
}

/// Makes faces, one at a time, on one thread.
///
/// Faces are not batched, because batched sums may round differently, and a face must not depend on
/// other requests.
pub trait Studio: Send + 'static {
    /// Describes the model.
    fn about(&self) -> About;

    /// The describer of faces, which runs on other threads; `None` if the model has none.
    fn describer(&self) -> Option<Arc<dyn Describer>> {
        None
    }

    /// Makes one face. Calls `sketch` with up to `task.sketches` unfinished images first, coarse to
    /// fine.
    ///
    /// # Errors
    /// If the task is invalid or the studio fails.
    fn make(
        &mut self,
        task: &Task,
        sketch: &mut dyn FnMut(RgbImage),
    ) -> Result<GeneratedFace, StudioError>;
}
