//! Training of the prior p(w | text) of photographs or p(z | text) of portraits.
//!
//! `photographs` and `portraits` are the two sources of faces. The other modules are shared.

mod facts;
mod photographs;
mod points;
mod portraits;
mod samples;
mod sentences;
mod sheet;
mod stage;

use std::path::{Path, PathBuf};

use anyface::Truncation;
use anyface::bundle::Bundle;
use anyface::mapper::{FlowPriorConfig, FlowSampling};
use anyface::stylegan2::GeneratorConfig;
use burn::tensor::Device;
use serde::Deserialize;

use self::points::Points;
use self::stage::PriorStage;
use crate::bounds;
use crate::data::photographs::PhotographsConfig;
use crate::error::{Result, TrainError};
use crate::run::{RunConfig, load_config, train};

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorConfig {
    /// Bundle folder with the text tower and the generator, for photographs also the encoder. It
    /// receives the prior.
    pub bundle: PathBuf,
    /// The run.
    pub run: RunConfig,
    /// Training photographs.
    pub photographs: Option<PhotographsConfig>,
    /// Training portraits, instead of photographs.
    pub portraits: Option<PortraitsConfig>,
    /// Numbers of faces and captions.
    pub data: DataConfig,
    /// Batch size and fractions.
    pub learning: LearningConfig,
    /// The network.
    pub model: FlowPriorConfig,
    /// Default sampling of the bundle.
    #[serde(default)]
    pub sampling: FlowSampling,
}

/// The `[data]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Number of faces for evaluation only. For photographs it is at most the number of those held
    /// out.
    pub held_out: usize,
    /// Number of captions: per portrait, or in total for photographs.
    #[serde(deserialize_with = "bounds::positive")]
    pub captions: usize,
}

/// The `[portraits]` table. Only the latents of portraits are used. They are not rendered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortraitsConfig {
    /// Number of random faces.
    #[serde(deserialize_with = "bounds::positive")]
    pub count: usize,
    /// Number of faces per role that match the role.
    #[serde(deserialize_with = "bounds::positive")]
    pub faces_per_role: usize,
    /// Number of texts that do not describe a face. For every eight of them, one text that asks for
    /// any face is added.
    #[serde(deserialize_with = "bounds::positive")]
    pub neutral_texts: usize,
    /// Folder of WordNet, for these texts.
    pub wordnet: PathBuf,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Faces per step.
    #[serde(deserialize_with = "bounds::batch")]
    pub batch: usize,
    /// Fraction of faces without a description, for classifier-free guidance.
    #[serde(deserialize_with = "bounds::fraction")]
    pub silent: f64,
    /// Fraction of faces chosen for a rare attribute. Photographs have, for example, glasses, hats
    /// or bald heads, and the description always mentions it. Portraits match a role.
    #[serde(default, deserialize_with = "bounds::fraction")]
    pub rare: f64,
}

impl PriorConfig {
    /// Checks each field. The error names the field.
    fn validate(&self) -> std::result::Result<(), String> {
        let FlowPriorConfig { width, heads, .. } = self.model;
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(format!(
                "[model] `heads` is {heads}, but must divide `width`, {width}"
            ));
        }
        Ok(())
    }

    /// The space of the prior: `w` for photographs, the normals behind `z` for portraits.
    fn points(&self, bundle: &Bundle) -> Result<Points> {
        Ok(match self.portraits {
            Some(_) => Points::Normals(bundle.section("z_distribution")?),
            None => Points::W,
        })
    }
}

/// `anyface train prior`: trains the prior and sets it as the mapper of the bundle.
///
/// # Errors
/// As [`load_config`] and [`train`]. The networks of the bundle or the photographs cannot be read,
/// or the bundle cannot be written.
pub fn run(path: &Path, device: &Device, resume: bool) -> Result<()> {
    let config: PriorConfig = load_config(path)?;
    config
        .validate()
        .map_err(|message| TrainError::config(path, message))?;
    let mut stage = PriorStage::new(path, config.clone(), device)?;
    let prior = train(&mut stage, &config.run, device, resume)?;
    let folder = &config.bundle;
    Bundle::put(folder, "flow_prior", &config.model, &prior)?;
    Bundle::put_section(folder, "flow_sampling", &config.sampling)?;
    let bundle = Bundle::folder(folder);
    let mapper = config.points(&bundle)?.mapper();
    Bundle::put_section(folder, "mapper", &mapper)?;
    if bundle
        .section::<Option<Truncation>>("truncation")?
        .is_none()
    {
        let generator: GeneratorConfig = bundle.section("generator")?;
        let truncation = Truncation {
            psi: 1.0,
            cutoff: generator.num_ws(),
        };
        Bundle::put_section(folder, "truncation", &truncation)?;
    }
    Ok(())
}
