//! What a configuration file of this stage says.

use std::path::PathBuf;

use anyface::bundle::Bundle;
use anyface::bundle::ZDistribution;
use anyface::stylegan2::{GeneratorConfig, MappingActivation};
use serde::Deserialize;

use super::reconstruction::ReconstructionConfig;
use super::start::bundle;
use crate::bounds;
use crate::data::images::ImagesConfig;
use crate::data::photographs::PhotographsConfig;
use crate::error::Result;
use crate::run::RunConfig;
use crate::stage::attribute_loss::AttributeLossConfig;

/// A whole configuration file of this stage: it has a table `[images]`, that of the other way to train a generator a
/// table `[portraits]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::stage) struct AdversarialConfig {
    /// The run. Parameters are under `generator.`, `discriminator.` and `encoder.`, for learning rates of their own.
    pub(super) run: RunConfig,
    /// Folder of the bundle that is given the generator.
    pub(super) bundle: PathBuf,
    /// The pictures.
    pub(super) images: ImagesConfig,
    /// Labelled ones beside them, whose split tells who is held out.
    pub(super) photographs: Option<PhotographsConfig>,
    /// The networks.
    pub(super) model: ModelConfig,
    /// The batches and the loss.
    pub(super) learning: LearningConfig,
    /// An encoder beside the generator; none without.
    pub(super) reconstruction: Option<ReconstructionConfig>,
    /// A probe that compares what the encoder brings about; none without.
    #[serde(alias = "critic")]
    pub(super) attribute_loss: Option<AttributeLossConfig>,
    /// Weights of MobileFaceNet: what the Fréchet distance is measured by.
    pub(super) recognizer: PathBuf,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelConfig {
    /// Width of `z` and `w`, D.
    pub(super) w_dim: usize,
    /// Feature channels of both networks at 4², 8², … up to the size of the images.
    pub(super) channels: Vec<usize>,
    /// Layers of the mapping network. Nothing to say beside an encoder, where it is one linear layer, nor of a bundle's.
    pub(super) mapping_layers: Option<usize>,
    /// Folder of a run or of a bundle to go on from, of the same images or of smaller ones: what fits of its networks.
    pub(super) start: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearningConfig {
    /// Images in a step, drawn and real; a multiple of four.
    #[serde(deserialize_with = "bounds::batch")]
    pub(super) batch: usize,
    /// Weight of what the discriminator says to the generator; at 0 there is none, and only reconstruction teaches.
    #[serde(default = "default_adversarial_weight")]
    pub(super) adversarial_weight: f64,
    /// How often a batch is drawn with the styles of two latents.
    #[serde(deserialize_with = "bounds::fraction")]
    pub(super) mixing: f64,
    /// Weight γ of R1.
    pub(super) r1_gamma: f64,
    /// One step in so many has R1, that much heavier.
    #[serde(deserialize_with = "bounds::positive")]
    pub(super) r1_every: u32,
    /// Standard deviation σ of the noise that R1 is measured by.
    pub(super) r1_sigma: f64,
    /// Whether photographs may be turned left to right.
    pub(super) flips: bool,
    /// Whether the discriminator sees everything augmented.
    pub(super) augment: bool,
    /// Images that the Fréchet distance is measured over.
    #[serde(deserialize_with = "bounds::positive")]
    pub(super) measured: usize,
}

fn default_adversarial_weight() -> f64 {
    1.0
}

impl AdversarialConfig {
    /// The bundle whose mapping network stays: that to start from, where no encoder sets another.
    fn mapped_by(&self) -> Option<Bundle> {
        let start = self.model.start.as_deref().and_then(bundle);
        start.filter(|_| self.reconstruction.is_none())
    }

    /// The sizes of the generator.
    ///
    /// # Errors
    /// The bundle to start from cannot be read.
    pub(super) fn generator(&self) -> Result<GeneratorConfig> {
        let model = &self.model;
        let channels = model.channels.clone();
        if let Some(bundle) = self.mapped_by() {
            let sizes: GeneratorConfig = bundle.section("generator")?;
            return Ok(GeneratorConfig { channels, ..sizes });
        }
        let sizes = GeneratorConfig::new(model.w_dim, model.w_dim, channels);
        Ok(match (model.mapping_layers, &self.reconstruction) {
            (_, Some(_)) => sizes
                .with_mapping_layers(1)
                .with_mapping_activation(Some(MappingActivation::Linear)),
            (Some(layers), None) => sizes.with_mapping_layers(layers),
            (None, None) => sizes,
        })
    }

    /// What the generator's `z` is drawn from.
    ///
    /// # Errors
    /// The bundle to start from cannot be read.
    pub(super) fn prior(&self) -> Result<ZDistribution> {
        let prior = self
            .mapped_by()
            .map(|bundle| bundle.section("z_distribution"));
        Ok(prior.transpose()?.unwrap_or(ZDistribution::Normal))
    }

    /// Checks that the parts fit together; the error names the table and the field.
    pub(super) fn validate(&self, generator: &GeneratorConfig) -> std::result::Result<(), String> {
        generator
            .validate()
            .map_err(|error| format!("[model]: {error}"))?;
        let (resolution, size) = (generator.resolution(), self.images.size as usize);
        if resolution != size {
            return Err(format!(
                "[model] `channels` makes images of {resolution} pixels, [images] `size` is {size}"
            ));
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
        if let Some(fault) = fault {
            return Err(fault.to_owned());
        }
        if self.model.mapping_layers.is_some() {
            let fault = match (&self.reconstruction, self.mapped_by()) {
                (Some(_), _) => {
                    Some("beside [reconstruction] the mapping network is one linear layer")
                }
                (None, Some(_)) => {
                    Some("the mapping network is that of the bundle to `start` from")
                }
                (None, None) => None,
            };
            if let Some(fault) = fault {
                return Err(format!("[model] `mapping_layers`: {fault}"));
            }
        }
        if generator.w_dim != self.model.w_dim {
            return Err(format!(
                "[model] `w_dim` is {}, that of the bundle to `start` from {}",
                self.model.w_dim, generator.w_dim
            ));
        }
        let Some(reconstruction) = &self.reconstruction else {
            if self.attribute_loss.is_some() {
                return Err(
                    "[attribute_loss] compares what [reconstruction] draws, which is missing"
                        .to_owned(),
                );
            }
            return match self.learning.adversarial_weight > 0.0 {
                true => Ok(()),
                false => {
                    Err("[learning] `adversarial_weight` of 0 needs [reconstruction]".to_owned())
                }
            };
        };
        if !(1..self.learning.batch).contains(&reconstruction.photographs) {
            return Err(
                "[reconstruction] `photographs` are at least one, and fewer than [learning] `batch`"
                    .to_owned(),
            );
        }
        if self.learning.augment {
            return Err(
                "[reconstruction] compares pictures as they are: not with [learning] `augment`"
                    .to_owned(),
            );
        }
        Ok(())
    }
}
