//! `config.json` of a bundle.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::ZDistribution;
use crate::clip::{Family, ImageTowerConfig, TextTowerConfig};
use crate::inversion::EncoderConfig;
use crate::mapper::StreamConfig;
use crate::probe::ProbeConfig;
use crate::stylegan2::GeneratorConfig;

/// `config.json` of a bundle: the shape of every network and how to run them together.
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
    /// Text stream of the mapper.
    pub text_stream: StreamConfig,
    /// Reconstruction stream of the mapper; only training needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_stream: Option<StreamConfig>,
    /// Noise injection replaces the latent layers below this one.
    pub injection_layer: usize,
    /// Default truncation of the injected layers.
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
    #[serde(alias = "prior")]
    pub z_distribution: ZDistribution,
    /// Attribute probe; only measuring needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeConfig>,
    /// Encoder from pictures to latents; a bundle may come without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inversion: Option<EncoderConfig>,
}

const fn default_edit_passes() -> NonZeroUsize {
    NonZeroUsize::new(2).expect("not zero")
}

/// What the faces of a bundle are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// How far the noise-injected layers are drawn towards the mean latent.
///
/// It acts on `w_c` alone, never on what the words say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truncation {
    /// ψ in `w̄ + ψ·(w − w̄)`: 1 leaves the latent alone, 0 gives the mean face.
    pub psi: f64,
    /// Only latent layers below this one are drawn in.
    pub cutoff: usize,
}
