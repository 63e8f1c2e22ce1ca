//! What a configuration file of this stage says.

use std::path::PathBuf;

use anyface::inversion::ResidualEncoderConfig;
use anyface::stylegan2::{GeneratorConfig, MappingActivation, SynthesisInput};
use serde::Deserialize;

use super::views::ViewsConfig;
use crate::bounds;
use crate::data::images::ImagesConfig;
use crate::data::photographs::PhotographsConfig;
use crate::run::RunConfig;

/// A whole configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanConfig {
    /// The run. Parameters are under `generator.`, `encoder.` and `discriminators.`, for optimisers of their own.
    pub(super) run: RunConfig,
    /// Folder of the bundle that is given the generator and the encoder.
    pub(super) bundle: PathBuf,
    /// Weights of EfficientNet-Lite0, in any layout that `anyface convert` reads.
    pub(super) features: PathBuf,
    /// Weights of MobileFaceNet, which judges and teaches nothing.
    pub(super) recognizer: PathBuf,
    /// The pictures.
    pub(super) images: ImagesConfig,
    /// Labelled ones beside them, whose split tells who is held out.
    pub(super) photographs: Option<PhotographsConfig>,
    /// The networks.
    pub(super) model: ModelConfig,
    /// What the discriminators see of a picture.
    pub(super) views: ViewsConfig,
    /// The batches and the losses.
    pub(super) learning: LearningConfig,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelConfig {
    /// Width of `w`, D.
    pub(super) w_dim: usize,
    /// Feature channels of the generator at 4², 8², … up to the size of the images.
    pub(super) channels: Vec<usize>,
    /// Feature channels of the encoder at the size that it reads and at each half of it, down to 4².
    pub(super) encoder_channels: Vec<usize>,
    /// Folder of a run to go on from, of the same images or of smaller ones.
    pub(super) start: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearningConfig {
    /// Real images in a step, and drawn ones.
    #[serde(deserialize_with = "bounds::batch")]
    pub(super) batch: usize,
    /// How many of them are drawn again from what the encoder finds; the others are drawn from random latents.
    pub(super) reconstructed: usize,
    /// Images before the discriminators begin; until then all of a batch is reconstructed.
    pub(super) autoencoder_images: u64,
    /// Weight of the discriminators in the generator's loss.
    pub(super) adversarial_weight: f64,
    /// Images that the held-out measures are taken over.
    #[serde(deserialize_with = "bounds::positive")]
    pub(super) measured: usize,
}

/// Side of the pictures that EfficientNet-Lite0 reads, so that its coarsest tap has side 4.
pub(super) const FEATURE_SIZE: usize = 128;
/// Side of its finest tap.
pub(super) const FINEST_TAP: usize = FEATURE_SIZE / 4;

impl GanConfig {
    /// The sizes of the generator. Its mapping network draws the normal distribution of the encoder's latents.
    pub(super) fn generator(&self) -> GeneratorConfig {
        let model = &self.model;
        GeneratorConfig::new(model.w_dim, model.w_dim, model.channels.clone())
            .with_mapping_layers(1)
            .with_mapping_activation(Some(MappingActivation::Linear))
            .with_normalize_z(false)
            .with_input(Some(SynthesisInput::W))
    }

    /// The sizes of the encoder.
    pub(super) fn encoder(&self) -> ResidualEncoderConfig {
        ResidualEncoderConfig::new(self.model.w_dim)
            .with_channels(self.model.encoder_channels.clone())
    }

    /// Checks that the parts fit together; the error names the table and the field.
    pub(super) fn validate(&self) -> Result<(), String> {
        let generator = self.generator();
        generator
            .validate()
            .map_err(|error| format!("[model]: {error}"))?;
        let (resolution, size) = (generator.resolution(), self.images.size as usize);
        if resolution != size {
            return Err(format!(
                "[model] `channels` makes images of {resolution} pixels, [images] `size` is {size}"
            ));
        }
        if self.model.encoder_channels.len() < 2 || self.model.encoder_channels.contains(&0) {
            return Err(
                "[model] `encoder_channels` needs two numbers or more, none of them 0".to_owned(),
            );
        }
        let reads = self.encoder().resolution();
        if reads > resolution {
            return Err(format!(
                "[model] `encoder_channels` reads images of {reads} pixels, [images] `size` is {size}"
            ));
        }
        let learning = &self.learning;
        if !(1..learning.batch).contains(&learning.reconstructed) {
            return Err(
                "[learning] `reconstructed` is at least 1 and less than `batch`".to_owned(),
            );
        }
        let [left, top, right, bottom] = self.views.face;
        let is_box = (0.0..right).contains(&left) && (0.0..bottom).contains(&top);
        if !is_box || right > 1.0 || bottom > 1.0 {
            return Err("[views] `face` is left, top, right and bottom between 0 and 1".to_owned());
        }
        let fault = match (self.images.held_out, &self.photographs) {
            (Some(0 | 1), _) => Some("[images] `held_out` leaves no picture to learn from"),
            (Some(_), Some(_)) => {
                Some("[images] `held_out` and [photographs] both hold pictures out")
            }
            (None, None) => Some("[images] `held_out` is missing, or a table [photographs]"),
            (None, Some(photographs)) if photographs.size != self.images.size => {
                Some("[images] and [photographs] differ in `size`")
            }
            _ => None,
        };
        fault.map_or(Ok(()), |fault| Err(fault.to_owned()))
    }
}
