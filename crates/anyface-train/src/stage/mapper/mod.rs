//! The mapper: both streams at once, on captions of faces and the latents of a trained generator.

mod batch;
mod directions;
mod latents;
mod samples;
mod stage;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyface::Truncation;
use anyface::bundle::Bundle;
use anyface::mapper::{Stream, StreamConfig};
use burn::module::Module;
use burn::tensor::Device;
use serde::Deserialize;

use self::stage::MapperStage;
use crate::bounds;
use crate::data::photographs::PhotographsConfig;
use crate::data::portraits::PortraitsConfig;
use crate::error::{Result, TrainError};
use crate::run::{RunConfig, load_config, train};

/// A whole configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapperConfig {
    /// Bundle that holds the towers and the generator, and is given the two streams.
    pub bundle: PathBuf,
    /// Folder of a bundle whose streams to start from; fresh weights without.
    pub start: Option<PathBuf>,
    /// Noise injection replaces the latent layers below this one.
    pub injection_layer: usize,
    /// The run.
    pub run: RunConfig,
    /// The portraits to learn from.
    pub portraits: Option<PortraitsConfig>,
    /// The photographs to learn from, in their place.
    pub photographs: Option<PhotographsConfig>,
    /// What is taken of them, and what beside them.
    pub data: DataConfig,
    /// Batches and losses.
    pub learning: LearningConfig,
    /// Weights of the losses.
    pub weight: Weights,
    /// Text stream.
    pub text_stream: StreamConfig,
    /// Reconstruction stream.
    pub image_stream: StreamConfig,
    /// How the bundle truncates noise; not at all when left out.
    pub truncation: Option<Truncation>,
    /// How often the bundle's edits have the text stream read its own answer; twice when left out.
    pub edit_passes: Option<NonZeroUsize>,
    /// Which part of what words change beside the dimensions that faces vary in the bundle takes back, 0 to 1; none when left out.
    pub naturalness: Option<f64>,
}

impl MapperConfig {
    /// Checks that a batch has what is taken of it; the error names the field.
    fn validate(&self) -> std::result::Result<(), String> {
        let LearningConfig {
            faces,
            image_batch,
            negatives,
            ..
        } = self.learning;
        if !(0.0..=1.0).contains(&self.naturalness.unwrap_or(0.0)) {
            return Err("`naturalness` is not between 0 and 1".to_owned());
        }
        if image_batch > faces {
            return Err(format!(
                "[learning] `image_batch` is {image_batch}, more than the {faces} `faces` of a step"
            ));
        }
        match negatives < faces {
            true => Ok(()),
            false => Err(format!(
                "[learning] `negatives` is {negatives}, which needs more than the {faces} `faces` of a step"
            )),
        }
    }

    /// The weights to start from.
    fn load_start(&self, device: &Device) -> Result<Streams> {
        let fresh = Streams {
            text: self.text_stream.init(device),
            image: self.image_stream.init(device),
        };
        let Some(folder) = &self.start else {
            return Ok(fresh);
        };
        let bundle = Bundle::folder(folder);
        Ok(Streams {
            text: bundle.network("text_stream", fresh.text)?,
            image: bundle.network("image_stream", fresh.image)?,
        })
    }

    fn truncation(&self) -> Truncation {
        self.truncation.unwrap_or(Truncation {
            psi: 1.0,
            cutoff: self.injection_layer,
        })
    }
}

/// The `[data]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Faces for evaluation only: the last of the portraits, or as many photographs of those held out.
    pub held_out: usize,
    /// Captions of each face, at most.
    #[serde(deserialize_with = "bounds::positive")]
    pub captions: usize,
    /// Faces, without a picture, that look like a role, for each role.
    pub faces_per_role: usize,
    /// Texts that say nothing of a face, so that such words change nothing; for every eighth, one that asks for any face.
    #[serde(alias = "idle_texts")]
    pub neutral_texts: usize,
    /// Folder of WordNet, for such texts.
    pub wordnet: PathBuf,
    /// For photographs: folder of a bundle with a probe, which says what the generator's faces show. Another one than that
    /// which evaluates.
    #[serde(alias = "judge")]
    pub probe_bundle: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Faces with a picture a step.
    #[serde(deserialize_with = "bounds::batch")]
    pub faces: usize,
    /// Faces without a picture a step, for the text stream alone.
    pub others: usize,
    /// One step in so many draws pictures, for the losses on them.
    #[serde(deserialize_with = "bounds::positive")]
    pub image_every: u32,
    /// Faces drawn in such a step, each by both streams.
    pub image_batch: usize,
    /// Unmatched captions a face for the diverse triplet loss.
    pub negatives: usize,
    /// Margin m of the diverse triplet loss.
    pub margin: f64,
    /// Probability that the text stream reads the picture of a face in the place of words: an image
    /// prompt (AnyFace++'s hybrid training).
    #[serde(default, alias = "shown", deserialize_with = "bounds::fraction")]
    pub image_prompt_probability: f64,
}

/// Weight of each loss.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Cross modal distillation, both ways.
    pub cmd: f64,
    /// Diverse triplet.
    pub triplet: f64,
    /// 1 − cosine of picture and words.
    pub clip: f64,
    /// Contrast of the pictures of a step with their words.
    #[serde(default)]
    pub contrast: f64,
    /// Latent of the reconstruction stream.
    pub latent: f64,
    /// Latent of the text stream (AnyFace++'s cycle loss).
    pub cycle: f64,
    /// Pictures of both streams.
    pub reconstruction: f64,
}

/// Both streams, trained together.
#[derive(Module, Debug)]
pub struct Streams {
    /// Text to face.
    pub text: Stream,
    /// Reconstruction.
    pub image: Stream,
}

/// `anyface train mapper`: trains both streams and puts them into the bundle.
///
/// # Errors
/// As [`load_config`] and [`train`]; the bundle's other networks, the faces or WordNet cannot be read; the bundle
/// cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let path = config;
    let config: MapperConfig = load_config(path)?;
    config
        .validate()
        .map_err(|message| TrainError::config(path, message))?;
    let mut stage = MapperStage::new(path, config.clone(), device)?;
    let streams = train(&mut stage, &config.run, device, resume)?;
    let folder = &config.bundle;
    Bundle::put(folder, "text_stream", &config.text_stream, &streams.text)?;
    Bundle::put(folder, "image_stream", &config.image_stream, &streams.image)?;
    Bundle::put_section(folder, "injection_layer", &config.injection_layer)?;
    Bundle::put_section(folder, "truncation", &config.truncation())?;
    if let Some(passes) = config.edit_passes {
        Bundle::put_section(folder, "edit_passes", &passes)?;
    }
    if let Some(naturalness) = config.naturalness {
        Bundle::put_section(folder, "naturalness", &naturalness)?;
    }
    Ok(())
}
