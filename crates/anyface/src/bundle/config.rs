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

/// `config.json` of a bundle: the shape of every network and how to run them together.
///
/// Fields that a file leaves out and that depend on others are filled in before it is read, see
/// `defaults.rs`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleConfig {
    /// Version of the bundle's layout, [`FORMAT`](super::FORMAT).
    pub format: u32,
    /// What the faces are.
    pub domain: Domain,
    /// Licence of the weights; empty where nobody says.
    #[serde(default)]
    pub license: String,
    /// Descriptions to try, which the bundle draws well; a page offers them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// Edits to try, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ideas: Vec<String>,
    /// Whose conventions the towers follow.
    #[serde(default)]
    pub clip: Family,
    /// Text tower.
    pub text_tower: TextTowerConfig,
    /// Image tower.
    pub image_tower: ImageTowerConfig,
    /// How text becomes a latent; when left out, the way whose networks the bundle has.
    pub mapper: MapperKind,
    /// Text stream of the mapper, where that is `streams`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_stream: Option<StreamConfig>,
    /// Reconstruction stream of the mapper; only training needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_stream: Option<StreamConfig>,
    /// Prior of latents by words, where the mapper is `flow_prior`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_prior: Option<FlowPriorConfig>,
    /// How that prior is sampled.
    #[serde(default)]
    pub flow_sampling: FlowSampling,
    /// clip2latent's diffusion prior, where the mapper is `clip2latent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip2latent: Option<PriorConfig>,
    /// How that prior is sampled.
    #[serde(default)]
    pub clip2latent_sampling: Sampling,
    /// Memory of AnyFace++, where the mapper is `anyface_plus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryConfig>,
    /// What follows that memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_map: Option<ImageMapConfig>,
    /// How latents are optimised, where the mapper is `optimization` or an edit asks for it.
    #[serde(default)]
    pub optimization: OptimizationConfig,
    /// Global directions, for edits in the style space; `anyface prepare directions` makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directions: Option<GlobalDirectionsConfig>,
    /// Noise injection replaces the latent layers below this one. For the streams and AnyFace++.
    pub injection_layer: usize,
    /// Default truncation of what comes of a seed.
    pub truncation: Truncation,
    /// How often an edit has the text stream read its own answer: what it changes little at once adds up. 2 when left out.
    #[serde(default = "default_edit_passes")]
    pub edit_passes: NonZeroUsize,
    /// Which part of what words change beside the dimensions of `W` that faces vary in is taken back when a face is made of them,
    /// 0 to 1; edits take back all of it. For generators whose `w` is normal. 0 when left out.
    #[serde(default)]
    pub naturalness: f64,
    /// StyleGAN2 generator.
    pub generator: GeneratorConfig,
    /// What the generator's latents are drawn from.
    pub z_distribution: ZDistribution,
    /// Per-pixel noise of the pictures.
    pub noise: StoredNoise,
    /// Colour behind every person, where the bundle knows no other background. It is laid behind the
    /// person of a picture before its latent is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<Color>,
    /// Attribute probe; only measuring needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeConfig>,
    /// Encoder from pictures to latents; a bundle may come without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inversion: Option<EncoderConfig>,
    /// Encoder that was trained beside the generator; it is used before `inversion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub residual_encoder: Option<ResidualEncoderConfig>,
}

impl BundleConfig {
    /// Whether the bundle finds latents of pictures.
    pub const fn inverts(&self) -> bool {
        self.residual_encoder.is_some() || self.inversion.is_some()
    }

    /// Whether words become latents, and change them, by optimisation.
    pub fn optimizes(&self) -> bool {
        self.mapper == MapperKind::Optimization
    }

    /// Checks what one field says against another; the error names the fields.
    pub(super) fn validate(&self) -> Result<(), String> {
        if self.z_distribution == ZDistribution::Portraits && self.generator.z_dim != CODE_DIM {
            return Err(format!(
                "z_distribution: the code of a portrait has {CODE_DIM} entries, `generator.z_dim` is {}",
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
                "flow_sampling: {steps} steps with a guidance of {guidance} lead nowhere"
            ));
        }
        let Sampling {
            steps, guidance, ..
        } = self.clip2latent_sampling;
        let most = self.clip2latent.as_ref().map(|prior| prior.num_timesteps);
        if steps == 0 || most.is_some_and(|most| steps > most) || !guidance.is_finite() {
            return Err(format!(
                "clip2latent_sampling: {steps} steps with a guidance of {guidance}: needs 1 to {} \
                 steps, and a number",
                most.unwrap_or(steps)
            ));
        }
        self.optimization.validate()
    }
}

const fn default_edit_passes() -> NonZeroUsize {
    NonZeroUsize::new(2).expect("not zero")
}

/// What the faces of a bundle are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Domain {
    /// Those of the built-in renderer.
    Portraits,
    /// Photographs.
    Photographs,
}

impl Domain {
    /// Its name in `config.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portraits => "portraits",
            Self::Photographs => "photographs",
        }
    }
}

/// How far what comes of a seed is drawn towards the mean.
///
/// It never acts on what the words say. With the streams it draws in the random latent `w_c`; with the
/// flow prior, the noise that the flow starts from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truncation {
    /// ψ in `w̄ + ψ·(w − w̄)`, or ψ times the noise: 1 leaves it alone, 0 gives the mean face.
    pub psi: f64,
    /// Only latent layers below this one are drawn in. For the streams.
    pub cutoff: usize,
}
