//! What the server asks of the networks: plain data in and out.

use std::sync::Arc;

use anyface::image::Mark;
use image::RgbImage;

/// An extended latent w⁺ `[L, D]`, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentValues(pub Vec<f32>);

/// What a studio is and can do.
#[derive(Debug, Clone)]
pub struct About {
    /// Name of the model, as `GET /v1/models` lists it.
    pub model: String,
    /// Licence of its weights.
    pub license: String,
    /// Descriptions to try.
    pub examples: Vec<String>,
    /// Edits to try, in words.
    pub ideas: Vec<String>,
    /// Side of its images in pixels.
    pub resolution: u32,
    /// `[L, D]` of its latents.
    pub latent: [usize; 2],
    /// ψ where a request names none.
    pub truncation: f64,
    /// Whether faces can be edited in words.
    pub edits: bool,
    /// Whether photos can be brought into the latent space; without, no task has one.
    pub inverts: bool,
}

/// Where a face comes from.
#[derive(Debug, Clone)]
pub enum FaceSource {
    /// From words and a seed.
    Words {
        /// Captions of one face.
        captions: Vec<String>,
        /// Seed of what the words leave open.
        seed: u64,
        /// ψ; the model's own when `None`.
        truncation: Option<f64>,
    },
    /// From a latent that the server gave.
    Latent(LatentValues),
    /// From the face of a photo, cut out: a square of the model's resolution.
    Photo(RgbImage),
    /// Between two latents.
    Mix {
        /// The face at `t` 0.
        from: LatentValues,
        /// The face at `t` 1.
        to: LatentValues,
        /// How far along, 0 to 1.
        t: f64,
    },
}

/// One change in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// What to change.
    pub text: String,
    /// How much, −1 to 1.
    pub strength: f64,
    /// What must stay, in words.
    pub keep: Vec<String>,
}

/// One face to make: where it comes from, and the changes made to it one after another.
#[derive(Debug, Clone)]
pub struct Task {
    /// Where it comes from.
    pub source: FaceSource,
    /// The changes.
    pub edits: Vec<Edit>,
    /// The face of a photo before any change, where the face comes from a latent.
    pub before: Option<LatentValues>,
    /// How many unfinished pictures to show on the way.
    pub sketches: usize,
}

impl Task {
    /// The seed, where there is one.
    pub const fn seed(&self) -> Option<u64> {
        match self.source {
            FaceSource::Words { seed, .. } => Some(seed),
            _ => None,
        }
    }

    /// How many words it has.
    pub fn words(&self) -> usize {
        let captions: &[String] = match &self.source {
            FaceSource::Words { captions, .. } => captions,
            _ => &[],
        };
        let texts = captions.iter().chain(self.edits.iter().map(|e| &e.text));
        texts.map(|text| text.split_whitespace().count()).sum()
    }

    /// What the image will say of itself; words and seed only if they may be `told`.
    pub fn mark(&self, model: &str, told: bool) -> Mark {
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
            prompt: (told && !words.is_empty()).then(|| words.join(" → ")),
            seed: self.seed().filter(|_| told),
            ..Mark::new(model)
        }
    }
}

/// One face.
#[derive(Debug, Clone)]
pub struct GeneratedFace {
    /// The picture.
    pub image: RgbImage,
    /// The face of a photo as the model draws it before any change: of a task from a photo, or with such a latent.
    pub before: Option<RgbImage>,
    /// The latent it was drawn from.
    pub latent: LatentValues,
    /// Cosine between picture and words, where there were words.
    pub clip_score: Option<f32>,
    /// Words of the description that do not bear on the face.
    pub not_understood: Vec<String>,
}

/// Why a studio made no face.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    /// The task asks for what cannot be; the fault is the client's.
    #[error("{message}")]
    Invalid {
        /// What is wrong.
        message: String,
        /// The field of the request, where one is to blame.
        param: Option<&'static str>,
    },
    /// The fault is the server's.
    #[error("{0}")]
    Failed(String),
}

/// What is seen in a face.
#[derive(Debug, Clone)]
pub struct SeenFace {
    /// One sentence.
    pub description: String,
    /// Names of attributes, and how sure it is, 0 to 1, that the face has each.
    pub attributes: Vec<(&'static str, f32)>,
    /// Of the model's ideas for edits, those that the face does not show yet.
    pub ideas: Vec<String>,
}

/// Says what is seen in faces.
pub trait Describer: Send + Sync + 'static {
    /// Looks at an aligned face, a square.
    fn describe(&self, face: &RgbImage) -> SeenFace;
}

/// Makes faces, one at a time, on one thread.
///
/// One at a time because a face must not depend on what is drawn beside it: batched sums may round in another order.
pub trait Studio: Send + 'static {
    /// What it is and can do.
    fn about(&self) -> About;

    /// What says what is seen in a face, beside the work of the studio; `None` where it has none.
    fn describer(&self) -> Option<Arc<dyn Describer>> {
        None
    }

    /// Makes one face and shows up to `task.sketches` unfinished pictures of it on the way, coarse to fine.
    ///
    /// # Errors
    /// When the task cannot be done.
    fn make(
        &mut self,
        task: &Task,
        sketch: &mut dyn FnMut(RgbImage),
    ) -> Result<GeneratedFace, StudioError>;
}
