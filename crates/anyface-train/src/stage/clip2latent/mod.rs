//! Training of clip2latent's prior p(w | feature) without captions or photographs: image features
//! of random faces replace text features.
//!
//! Paper: Pinkney and Li 2022, arXiv 2210.02347.

mod samples;
mod stage;

use std::path::{Path, PathBuf};

use anyface::Truncation;
use anyface::bundle::{Bundle, BundleConfig, MapperKind};
use anyface::prior::{PriorConfig, Sampling};
use burn::tensor::Device;
use serde::Deserialize;

use self::stage::Clip2latentStage;
use crate::bounds;
use crate::error::{Result, TrainError};
use crate::run::{RunConfig, load_config, train};

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clip2latentConfig {
    /// Bundle folder with both towers and the generator. It receives the prior.
    pub bundle: PathBuf,
    /// The run.
    pub run: RunConfig,
    /// Numbers of faces.
    pub data: DataConfig,
    /// Batch size and noise.
    pub learning: LearningConfig,
    /// The network.
    pub model: ModelConfig,
    /// Default sampling of the bundle. The stage sets `feature_length`.
    #[serde(default)]
    pub sampling: Sampling,
}

/// The `[data]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Number of training faces, drawn before the first step.
    pub drawn: usize,
    /// Number of additional faces for evaluation only.
    #[serde(deserialize_with = "bounds::positive")]
    pub held_out: usize,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Faces per step.
    #[serde(deserialize_with = "bounds::batch")]
    pub batch: usize,
    /// Strength of the noise that makes image features similar to text features, relative to their
    /// norm.
    pub noise: f64,
    /// Fraction of faces without features, for classifier-free guidance.
    #[serde(deserialize_with = "bounds::fraction")]
    pub silent: f64,
}

/// The `[model]` table. The width is that of features and latents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Number of blocks.
    #[serde(deserialize_with = "bounds::positive")]
    pub depth: usize,
    /// Number of attention heads of 64 channels.
    #[serde(deserialize_with = "bounds::positive")]
    pub heads: usize,
}

impl Clip2latentConfig {
    /// Checks the remaining ranges. The error names the field.
    fn validate(&self) -> std::result::Result<(), String> {
        if self.data.drawn < 2 {
            return Err("[data] `drawn` is less than 2".to_owned());
        }
        let noise = self.learning.noise;
        match noise.is_finite() && noise >= 0.0 {
            true => Ok(()),
            false => Err(format!(
                "[learning] `noise` is {noise}, not a finite number of at least 0"
            )),
        }
    }

    /// Configuration of the prior for the networks of a bundle.
    fn prior(&self, bundle: &BundleConfig) -> std::result::Result<PriorConfig, String> {
        let (features, latents) = (bundle.text_tower.embed_dim, bundle.generator.w_dim);
        if features != latents {
            return Err(format!(
                "the features of the bundle have {features} entries, but its latents have \
                 {latents}: the prior of clip2latent needs equal widths"
            ));
        }
        let ModelConfig { depth, heads } = self.model;
        let prior = PriorConfig::new(latents, depth, heads);
        match (1..=prior.num_timesteps).contains(&self.sampling.steps) {
            true => Ok(prior),
            false => Err(format!(
                "[sampling] `steps` is {}, not between 1 and {}",
                self.sampling.steps, prior.num_timesteps
            )),
        }
    }
}

/// `anyface train clip2latent`: trains the prior and sets it as the mapper of the bundle.
///
/// # Errors
/// As [`load_config`] and [`train`]. The networks of the bundle cannot be read or do not match, or
/// the bundle cannot be written.
pub fn run(path: &Path, device: &Device, resume: bool) -> Result<()> {
    let config: Clip2latentConfig = load_config(path)?;
    let faulty = |message: String| TrainError::config(path, message);
    config.validate().map_err(faulty)?;
    let folder = &config.bundle;
    let bundle = Bundle::folder(folder).config()?;
    let model = config.prior(&bundle).map_err(faulty)?;
    let mut stage = Clip2latentStage::new(&config, &bundle, model.clone(), device)?;
    let prior = train(&mut stage, &config.run, device, resume)?;
    let sampling = Sampling {
        feature_length: Some(stage.feature_length()),
        ..config.sampling
    };
    let truncation = Truncation {
        psi: 1.0,
        cutoff: bundle.generator.num_ws(),
    };
    Bundle::put(folder, "clip2latent", &model, &prior)?;
    Bundle::put_section(folder, "clip2latent_sampling", &sampling)?;
    Bundle::put_section(folder, "truncation", &truncation)?;
    // The noise mode with which the training faces were drawn.
    Bundle::put_section(folder, "noise", &bundle.noise)?;
    Ok(Bundle::put_section(
        folder,
        "mapper",
        &MapperKind::Clip2latent,
    )?)
}
