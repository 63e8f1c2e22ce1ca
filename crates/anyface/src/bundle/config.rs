//! `config.json` of a bundle.

use std::num::NonZeroUsize;

use anyface_portraits::CODE_DIM;
use serde::{Deserialize, Serialize};

use super::{MapperKind, OptimizationConfig, StoredNoise, ZDistribution};
use crate::clip::{Family, ImageTowerConfig, SimpleTokenizer, TextTowerConfig};
use crate::image::Color;
use crate::inversion::{EncoderConfig, ResidualEncoderConfig};
use crate::mapper::{
    FlowPriorConfig, FlowSampling, GlobalDirectionsConfig, ImageMapConfig, MemoryConfig,
    StreamConfig,
};
use crate::prior::{PriorConfig, Sampling};
use crate::probe::ProbeConfig;
use crate::stylegan2::GeneratorConfig;

/// The `config.json` of a bundle: the sizes of every network, and how to run them together.
///
/// `defaults.rs` fills in missing fields whose defaults depend on other fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct BundleConfig {
    /// Version of the bundle layout, [`FORMAT`](super::FORMAT).
    pub format: u32,
    /// Domain of the faces.
    pub domain: Domain,
    /// Licence of the weights; empty if unknown.
    #[serde(default)]
    pub license: String,
    /// Example descriptions that the bundle draws well; the web page offers them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// Example edits; the web page offers them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ideas: Vec<String>,
    /// Conventions of the CLIP towers.
    #[serde(default)]
    pub clip: Family,
    /// Size of the text tower.
    pub text_tower: TextTowerConfig,
    /// Size of the image tower.
    pub image_tower: ImageTowerConfig,
    /// How text becomes a latent. Default: selected by the networks in the bundle.
    pub mapper: MapperKind,
    /// Text stream, for the mapper `streams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_stream: Option<StreamConfig>,
    /// Reconstruction stream, used only in training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_stream: Option<StreamConfig>,
    /// Prior p(w | text), for the mapper `flow_prior`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_prior: Option<FlowPriorConfig>,
    /// Sampling of `flow_prior`.
    #[serde(default)]
    pub flow_sampling: FlowSampling,
    /// Diffusion prior, for the mapper `clip2latent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip2latent: Option<PriorConfig>,
    /// Sampling of `clip2latent`.
    #[serde(default)]
    pub clip2latent_sampling: Sampling,
    /// Memory, for the mapper `anyface_plus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryConfig>,
    /// Network after the memory, for the mapper `anyface_plus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_map: Option<ImageMapConfig>,
    /// Latent optimisation, for the mapper `optimization` and for edits with this method.
    #[serde(default)]
    pub optimization: OptimizationConfig,
    /// Global directions for edits in style space; `anyface prepare directions` computes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directions: Option<GlobalDirectionsConfig>,
    /// Noise injection replaces the latent layers below this one. For the streams and AnyFace++.
    pub injection_layer: usize,
    /// Default truncation of the latents that a seed gives.
    pub truncation: Truncation,
    /// Number of passes of the text stream in an edit. Each pass reads the result of the last, so
    /// that small changes add up. Default 2.
    #[serde(default = "default_edit_passes")]
    pub edit_passes: NonZeroUsize,
    /// Strength of the Wiener filter, by the covariance of `w`, on changes that a text makes when a
    /// face is generated: 0 (none) to 1 (full). Edits always use 1. For generators with Gaussian
    /// `w`. Default 0.
    #[serde(default)]
    pub naturalness: f64,
    /// Size of the StyleGAN2 generator.
    pub generator: GeneratorConfig,
    /// Distribution of the generator's `z`.
    pub z_distribution: ZDistribution,
    /// Per-pixel noise of the images.
    pub noise: StoredNoise,
    /// Background colour, if all training images had the same one. It replaces the background of a
    /// photograph before inversion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
    /// Attribute probe, used only for measurements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeConfig>,
    /// Encoder from images to latents; optional.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inversion: Option<EncoderConfig>,
    /// Encoder trained together with the generator; preferred over `inversion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual_encoder: Option<ResidualEncoderConfig>,
}

impl BundleConfig {
    /// Whether the bundle can invert images.
    pub const fn inverts(&self) -> bool {
        self.residual_encoder.is_some() || self.inversion.is_some()
    }

    /// Whether faces are generated and edited by optimisation.
    pub fn optimizes(&self) -> bool {
        self.mapper == MapperKind::Optimization
    }

    /// Checks fields against each other; the error names them.
    pub(super) fn validate(&self) -> Result<(), String> {
        let generator = self.generator.validate();
        generator.map_err(|error| format!("generator: {error}"))?;
        if self.z_distribution == ZDistribution::Portraits && self.generator.z_dim != CODE_DIM {
            return Err(format!(
                "z_distribution: the code of a portrait has {CODE_DIM} entries, `generator.z_dim` \
                 is {}",
                self.generator.z_dim
            ));
        }
        if !(0.0..=1.0).contains(&self.naturalness) {
            let naturalness = self.naturalness;
            return Err(format!("naturalness: {naturalness} is not between 0 and 1"));
        }
        let vocabulary = self.text_tower.vocab_size;
        if self.clip == Family::Openai && vocabulary != SimpleTokenizer::VOCAB_SIZE {
            return Err(format!(
                "clip: OpenAI's tokenizer has {} ids, `text_tower.vocab_size` is {vocabulary}",
                SimpleTokenizer::VOCAB_SIZE
            ));
        }
        self.validate_sampling()?;
        self.validate_widths()
    }

    fn validate_sampling(&self) -> Result<(), String> {
        let FlowSampling { guidance, steps } = self.flow_sampling;
        if steps == 0 || !guidance.is_finite() {
            return Err(format!(
                "flow_sampling: {steps} steps with a guidance of {guidance}: needs at \
                 least 1 step and a finite guidance"
            ));
        }
        let Sampling {
            steps, guidance, ..
        } = self.clip2latent_sampling;
        let most = self.clip2latent.as_ref().map(|prior| prior.num_timesteps);
        if steps == 0 || most.is_some_and(|most| steps > most) || !guidance.is_finite() {
            return Err(format!(
                "clip2latent_sampling: {steps} steps with a guidance of {guidance}: needs 1 to {} \
                 steps and a finite guidance",
                most.unwrap_or(steps)
            ));
        }
        self.optimization.validate()
    }
}

const fn default_edit_passes() -> NonZeroUsize {
    NonZeroUsize::new(2).expect("not zero")
}

/// The domain of a bundle's faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Domain {
    /// Portraits of the built-in renderer.
    Portraits,
    /// Photographs.
    Photographs,
}

impl Domain {
    /// The name in `config.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portraits => "portraits",
            Self::Photographs => "photographs",
        }
    }
}

/// How far the latents that a seed gives are moved towards the mean.
///
/// Truncation does not apply to the change that a text makes. For the streams it truncates the
/// random latent `w_c`; for the flow prior, the initial noise of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truncation {
    /// ψ in `w̄ + ψ·(w − w̄)`, or the factor of the noise: 1 has no effect, 0 gives the mean face.
    pub psi: f64,
    /// Only latent layers below this one are truncated. For the streams.
    pub cutoff: usize,
}

#[cfg(test)]
mod tests {
    use crate::bundle::Bundle;

    #[test]
    fn impossible_sizes_of_a_generator_are_an_error() {
        let mut config = Bundle::builtin().config().unwrap();
        config.generator.channels.clear();
        let error = config.validate().unwrap_err();
        assert!(error.starts_with("generator: `channels`"), "{error}");
    }
}
