//! The prior p(w | text) of photographs, or p(z | text) of portraits.
//!
//! `photographs` and `portraits` are where faces come from; the rest is alike.

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

/// A whole configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorConfig {
    /// Bundle that holds the text tower and the generator, for photographs also its encoder, and is
    /// given the prior.
    pub bundle: PathBuf,
    /// The run.
    pub run: RunConfig,
    /// The photographs to learn from.
    pub photographs: Option<PhotographsConfig>,
    /// The portraits to learn from, in their place.
    pub portraits: Option<PortraitsConfig>,
    /// What is taken of them.
    pub data: DataConfig,
    /// Batches.
    pub learning: LearningConfig,
    /// The network.
    pub model: FlowPriorConfig,
    /// How the bundle samples the prior.
    #[serde(default)]
    pub sampling: FlowSampling,
}

/// The `[data]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Faces for evaluation only; photographs are of those held out.
    pub held_out: usize,
    /// Captions that are written: of all photographs, for their sentences, or of each portrait.
    #[serde(deserialize_with = "bounds::positive")]
    pub captions: usize,
}

/// The `[portraits]` table. Portraits are not drawn: their latents say what captions say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortraitsConfig {
    /// Random faces.
    #[serde(deserialize_with = "bounds::positive")]
    pub count: usize,
    /// Faces that look like a role, for each role.
    #[serde(deserialize_with = "bounds::positive")]
    pub faces_per_role: usize,
    /// Texts that say nothing of a face; for every eighth, one that asks for any face.
    #[serde(deserialize_with = "bounds::positive")]
    pub neutral_texts: usize,
    /// Folder of WordNet, for such texts.
    pub wordnet: PathBuf,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Faces in a step.
    #[serde(deserialize_with = "bounds::batch")]
    pub batch: usize,
    /// Part of the faces of which nothing is said.
    #[serde(deserialize_with = "bounds::fraction")]
    pub silent: f64,
    /// Part of the faces that are chosen for a look that few faces have: photographs with glasses,
    /// hats, bald heads, of which it is always said; portraits that look like a role.
    #[serde(default, deserialize_with = "bounds::fraction")]
    pub rare: f64,
}

impl PriorConfig {
    /// Checks what one field says of itself; the error names the field.
    fn validate(&self) -> std::result::Result<(), String> {
        let FlowPriorConfig { width, heads, .. } = self.model;
        if heads == 0 || !width.is_multiple_of(heads) {
            return Err(format!(
                "[model] `heads` is {heads}, which does not divide the `width` of {width}"
            ));
        }
        Ok(())
    }

    /// What the prior draws: `w` of photographs, which the encoder finds; of portraits the normals
    /// that `z` is made of.
    fn points(&self, bundle: &Bundle) -> Result<Points> {
        Ok(match self.portraits {
            Some(_) => Points::Normals(bundle.section("z_distribution")?),
            None => Points::W,
        })
    }
}

/// `anyface train prior`: trains the prior and makes it the bundle's way from words to latents.
///
/// # Errors
/// As [`load_config`] and [`train`]; the bundle's other networks or the photographs cannot be read;
/// the bundle cannot be written.
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
