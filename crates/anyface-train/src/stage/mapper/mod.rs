//! Training of the mapper: both streams together, on captions of faces and latents of a trained
//! generator.

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

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapperConfig {
    /// Bundle folder with the towers and the generator. It receives both streams.
    pub bundle: PathBuf,
    /// Bundle folder with streams to start from. Default: random weights.
    pub start: Option<PathBuf>,
    /// Noise injection replaces the latent layers below this layer.
    pub injection_layer: usize,
    /// The run.
    pub run: RunConfig,
    /// Training portraits.
    pub portraits: Option<PortraitsConfig>,
    /// Training photographs, instead of portraits.
    pub photographs: Option<PhotographsConfig>,
    /// Numbers of faces, captions and texts.
    pub data: DataConfig,
    /// Batch sizes and losses.
    pub learning: LearningConfig,
    /// Weights of the losses.
    pub weight: Weights,
    /// Text stream.
    pub text_stream: StreamConfig,
    /// Reconstruction stream.
    pub image_stream: StreamConfig,
    /// Truncation of noise in the bundle. Default: none.
    pub truncation: Option<Truncation>,
    /// Passes of the text stream per edit in the bundle. Default: 2.
    pub edit_passes: Option<NonZeroUsize>,
    /// Strength of the Wiener filter on faces generated from text, 0 (off) to 1, for bundles with
    /// Gaussian `w`. The filter removes changes in directions that hardly vary between faces. Edits
    /// always use the full filter. Default: 0.
    pub naturalness: Option<f64>,
}

impl MapperConfig {
    /// Checks that the batch sizes are consistent. The error names the field.
    fn validate(&self) -> std::result::Result<(), String> {
        let LearningConfig {
            faces,
            image_batch,
            negatives,
            ..
        } = self.learning;
        if !(0.0..=1.0).contains(&self.naturalness.unwrap_or(0.0)) {
            return Err("`naturalness` must be between 0 and 1".to_owned());
        }
        if image_batch > faces {
            return Err(format!(
                "[learning] `image_batch` is {image_batch}, but must be at most `faces`, {faces}"
            ));
        }
        match negatives < faces {
            true => Ok(()),
            false => Err(format!(
                "[learning] `negatives` is {negatives}, but must be less than `faces`, {faces}"
            )),
        }
    }

    /// Initial weights.
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
    /// Number of held-out faces: the last portraits of the cache, or at most this many held-out
    /// photographs.
    pub held_out: usize,
    /// Maximum number of captions per face.
    #[serde(deserialize_with = "bounds::positive")]
    pub captions: usize,
    /// Number of faces per role that match the role. They have no picture.
    pub faces_per_role: usize,
    /// Number of texts that do not describe a face, to train that they change nothing. For every
    /// eight of them, one text that asks for any face is added.
    #[serde(alias = "idle_texts")]
    pub neutral_texts: usize,
    /// Folder of WordNet, for these texts.
    pub wordnet: PathBuf,
    /// For photographs: folder of a bundle with a probe that reads the generator's faces. It must
    /// not be the probe of the evaluation.
    #[serde(alias = "judge")]
    pub probe_bundle: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Faces with a picture per step.
    #[serde(deserialize_with = "bounds::batch")]
    pub faces: usize,
    /// Faces without a picture per step, for the text stream only.
    #[serde(deserialize_with = "bounds::part_of_batch")]
    pub others: usize,
    /// Draws pictures every `image_every` steps on average, for the losses on pictures.
    #[serde(deserialize_with = "bounds::positive")]
    pub image_every: u32,
    /// Faces per step with pictures. Each is drawn with both streams.
    pub image_batch: usize,
    /// Negatives per face in the diverse triplet loss.
    pub negatives: usize,
    /// Margin m of the diverse triplet loss.
    pub margin: f64,
    /// Probability that the text stream gets the image feature of a face instead of text, as an
    /// image prompt (hybrid training of AnyFace++).
    #[serde(default, alias = "shown", deserialize_with = "bounds::fraction")]
    pub image_prompt_probability: f64,
}

/// Weight of each loss.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// Symmetric cross-modal distillation.
    pub cmd: f64,
    /// Diverse triplet loss.
    pub triplet: f64,
    /// CLIP loss: 1 − cosine similarity of picture and text.
    pub clip: f64,
    /// Contrast between the pictures and texts of a step.
    #[serde(default)]
    pub contrast: f64,
    /// Latents of the reconstruction stream.
    pub latent: f64,
    /// Latents of the text stream (cycle loss of AnyFace++).
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
/// As [`load_config`] and [`train`]. The networks of the bundle, the faces or WordNet cannot be
/// read, or the bundle cannot be written.
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
