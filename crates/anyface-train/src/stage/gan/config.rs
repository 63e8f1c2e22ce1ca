//! Configuration of the GAN stage.

use std::path::PathBuf;

use anyface::inversion::ResidualEncoderConfig;
use anyface::stylegan2::{GeneratorConfig, MappingActivation, SynthesisInput};
use serde::Deserialize;

use super::views::ViewsConfig;
use crate::bounds;
use crate::data::images::ImagesConfig;
use crate::data::photographs::PhotographsConfig;
use crate::run::RunConfig;

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GanConfig {
    /// The run. The parameter paths start with `generator.`, `encoder.` and `discriminators.`, for
    /// parameter groups.
    pub(super) run: RunConfig,
    /// Bundle folder that receives the generator and the encoder.
    pub(super) bundle: PathBuf,
    /// Weights of EfficientNet-Lite0, in a layout that `anyface convert` reads.
    pub(super) features: PathBuf,
    /// Weights of MobileFaceNet, for evaluation only.
    pub(super) recognizer: PathBuf,
    /// The pictures.
    pub(super) images: ImagesConfig,
    /// Additional labelled photographs. Their split determines the held-out pictures.
    pub(super) photographs: Option<PhotographsConfig>,
    /// The networks.
    pub(super) model: ModelConfig,
    /// Views of the discriminators.
    pub(super) views: ViewsConfig,
    /// Batch size and losses.
    pub(super) learning: LearningConfig,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelConfig {
    /// Width of `w`, D.
    pub(super) w_dim: usize,
    /// Channels of the generator at 4×4, 8×8, … up to the image size.
    pub(super) channels: Vec<usize>,
    /// Channels of the encoder at its input size and each following half, down to 4×4.
    pub(super) encoder_channels: Vec<usize>,
    /// Folder of a run to continue, with the same or a smaller image size.
    pub(super) start: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearningConfig {
    /// Real images per step, and generated images per step.
    #[serde(deserialize_with = "bounds::batch")]
    pub(super) batch: usize,
    /// Number of generated images that are reconstructions. The others have random latents.
    pub(super) reconstructed: usize,
    /// Number of images before the discriminators start. Until then, all of the batch is
    /// reconstructions.
    pub(super) autoencoder_images: u64,
    /// Weight of the discriminators in the loss of the generator.
    pub(super) adversarial_weight: f64,
    /// Number of images for the held-out metrics.
    #[serde(deserialize_with = "bounds::positive")]
    pub(super) measured: usize,
}

/// Input size of EfficientNet-Lite0. Its coarsest tap then has side 4.
pub(super) const FEATURE_SIZE: usize = 128;
/// Side of its finest tap.
pub(super) const FINEST_TAP: usize = FEATURE_SIZE / 4;

impl GanConfig {
    /// Configuration of the generator. Its linear mapping network samples the normal distribution
    /// of the encoder's latents.
    pub(super) fn generator(&self) -> GeneratorConfig {
        let model = &self.model;
        GeneratorConfig::new(model.w_dim, model.w_dim, model.channels.clone())
            .with_mapping_layers(1)
            .with_mapping_activation(Some(MappingActivation::Linear))
            .with_normalize_z(false)
            .with_input(Some(SynthesisInput::W))
    }

    /// Configuration of the encoder.
    pub(super) fn encoder(&self) -> ResidualEncoderConfig {
        ResidualEncoderConfig::new(self.model.w_dim)
            .with_channels(self.model.encoder_channels.clone())
    }

    /// Checks that the settings are consistent. The error names the table and the field.
    pub(super) fn validate(&self) -> Result<(), String> {
        let generator = self.generator();
        generator
            .validate()
            .map_err(|error| format!("[model]: {error}"))?;
        let (resolution, size) = (generator.resolution(), self.images.size as usize);
        if resolution != size {
            return Err(format!(
                "[model] `channels` gives {resolution} pixels, but [images] `size` is {size}"
            ));
        }
        if self.model.encoder_channels.len() < 2 || self.model.encoder_channels.contains(&0) {
            return Err(
                "[model] `encoder_channels` needs at least two positive numbers".to_owned(),
            );
        }
        let reads = self.encoder().resolution();
        if reads > resolution {
            return Err(format!(
                "[model] `encoder_channels` needs {reads} pixels, but [images] `size` is {size}"
            ));
        }
        let learning = &self.learning;
        if !(1..learning.batch).contains(&learning.reconstructed) {
            return Err(
                "[learning] `reconstructed` must be at least 1 and less than `batch`".to_owned(),
            );
        }
        let [left, top, right, bottom] = self.views.face;
        let is_box = (0.0..right).contains(&left) && (0.0..bottom).contains(&top);
        if !is_box || right > 1.0 || bottom > 1.0 {
            return Err(
                "[views] `face` must be left, top, right and bottom between 0 and 1".to_owned(),
            );
        }
        let fault = match (self.images.held_out, &self.photographs) {
            (Some(0 | 1), _) => Some("[images] `held_out` leaves no training pictures"),
            (Some(_), Some(_)) => Some(
                "[images] `held_out` is not allowed with [photographs], which has its own split",
            ),
            (None, None) => Some("[images] needs `held_out`, or a table [photographs]"),
            (None, Some(photographs)) if photographs.size != self.images.size => {
                Some("[images] and [photographs] must have the same `size`")
            }
            _ => None,
        };
        fault.map_or(Ok(()), |fault| Err(fault.to_owned()))
    }
}
