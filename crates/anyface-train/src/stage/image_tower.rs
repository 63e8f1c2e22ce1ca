//! Training of an image tower for a frozen text tower of another domain, for example on
//! photographs.

use std::path::{Path, PathBuf};

use anyface::bundle::Bundle;
use anyface::clip::{Family, ImageTowerConfig, TextTower, TextTowerConfig};
use anyface_portraits::Attributes;
use burn::tensor::Device;
use serde::Deserialize;

use super::dual_encoder::{GALLERY, ImageLearning, ImageStage, Shown, Words};
use crate::bounds;
use crate::data::faces::{FaceSplit, Faces};
use crate::data::photographs::PhotographsConfig;
use crate::data::portraits::PortraitsConfig;
use crate::error::{Result, TrainError};
use crate::run::{RunConfig, load_config, train};

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageTowerStageConfig {
    /// Bundle folder that receives the image tower. If it differs from `text`, it also receives the
    /// text tower and its tokenizer.
    pub bundle: PathBuf,
    /// Bundle folder with the text tower.
    pub text: PathBuf,
    /// The run.
    pub run: RunConfig,
    /// Training portraits.
    pub portraits: Option<PortraitsConfig>,
    /// Training photographs, instead of portraits.
    pub photographs: Option<PhotographsConfig>,
    /// The network.
    pub image_tower: ImageTowerConfig,
    /// Batch size and losses.
    pub learning: LearningConfig,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Faces per step.
    #[serde(deserialize_with = "bounds::batch")]
    pub batch: usize,
    /// Maximum number of captions per face. Each is read once before the first step.
    pub captions: usize,
    /// Number of held-out faces, at least 100: the last portraits of the cache, or at most this
    /// many held-out photographs.
    pub held_out: usize,
    /// Weight of the contrast between captions and faces.
    pub contrast: f64,
    /// Weight of the distance between the features of a face and of its attributes. A separate
    /// tower computes features of attributes. It trains together with the image tower, with a
    /// contrast to the captions. Use 0 for faces without attributes.
    pub regression: f64,
    /// Whether faces are flipped horizontally at random.
    pub flips: bool,
}

/// `anyface train image-tower`: trains the image tower and puts it into the bundle.
///
/// # Errors
/// As [`load_config`] and [`train`]. The text tower or the faces cannot be read or do not match the
/// image tower, or the bundle cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let path = config;
    let config: ImageTowerStageConfig = load_config(path)?;
    let source = Bundle::folder(&config.text);
    let text_config: TextTowerConfig = source.section("text_tower")?;
    let text: TextTower = source.network("text_tower", text_config.init(device))?;
    let tokenizer = source.tokenizer()?;
    let family = source.section::<Option<Family>>("clip")?;

    let (learning, tower) = (&config.learning, &config.image_tower);
    let faces = FaceSplit::open(
        path,
        config.portraits.as_ref(),
        config.photographs.as_ref(),
        learning.held_out,
    )?;
    validate(&config, &text_config, &faces).map_err(|message| TrainError::config(path, message))?;
    let words = Words {
        tower: &text,
        tokenizer: &tokenizer,
        context: text_config.context,
    };
    let shown = match learning.regression > 0.0 {
        true => Shown::Learned,
        false => Shown::Nothing,
    };
    let mut stage = ImageStage::new(
        tower.clone(),
        family.unwrap_or_default(),
        ImageLearning {
            batch: learning.batch,
            captions: learning.captions,
            contrast: learning.contrast,
            regression: learning.regression,
            flips: learning.flips,
        },
        faces,
        &words,
        shown,
    );
    let trained = train(&mut stage, &config.run, device, resume)?;
    let bundle = &config.bundle;
    if *bundle != config.text {
        share_text(&config, &text_config, &text, family)?;
    }
    Ok(Bundle::put(bundle, "image_tower", tower, &trained.tower)?)
}

/// Puts the text tower and its tokenizer into the bundle.
fn share_text(
    config: &ImageTowerStageConfig,
    text_config: &TextTowerConfig,
    text: &TextTower,
    family: Option<Family>,
) -> Result<()> {
    let bundle = &config.bundle;
    if family != Some(Family::Openai) {
        let file = config.text.join("tokenizer.json");
        let bytes = std::fs::read(&file).map_err(TrainError::io(&file))?;
        Bundle::put_file(bundle, "tokenizer.json", &bytes)?;
    }
    if let Some(family) = family {
        Bundle::put_section(bundle, "clip", &family)?;
    }
    Ok(Bundle::put(bundle, "text_tower", text_config, text)?)
}

/// Checks that the settings are consistent. The error names the table and the field.
fn validate(
    config: &ImageTowerStageConfig,
    text: &TextTowerConfig,
    faces: &FaceSplit,
) -> std::result::Result<(), String> {
    let tower = &config.image_tower;
    if tower.embed_dim() != text.embed_dim {
        return Err(format!(
            "[image_tower] `embed_dim` is {}, but that of the text tower is {}",
            tower.embed_dim(),
            text.embed_dim
        ));
    }
    if tower.resolution() != faces.size() {
        return Err(format!(
            "[image_tower] `resolution` is {}, but the faces have {} pixels",
            tower.resolution(),
            faces.size()
        ));
    }
    if let ImageTowerConfig::ModifiedResNet(resnet) = tower {
        let heads_fit = resnet.heads > 0 && (32 * resnet.width).is_multiple_of(resnet.heads);
        if !resnet.resolution.is_multiple_of(32) || resnet.width % 2 == 1 || !heads_fit {
            return Err(
                "[image_tower] needs a `resolution` that is a multiple of 32, an even `width`, \
                 and `heads` that divide 32 · `width`"
                    .to_owned(),
            );
        }
    }
    if config.learning.captions == 0 {
        return Err("[learning] `captions` is 0, but each face needs at least one".to_owned());
    }
    if faces.held_out.len() < GALLERY {
        return Err(format!(
            "{} faces are held out, but the evaluation needs {GALLERY}",
            faces.held_out.len()
        ));
    }
    let sides: [&dyn Faces; 2] = [&*faces.training, &*faces.held_out];
    for side in sides {
        for index in 0..side.len() {
            match side.features(index).first() {
                Some(features) if features.len() != text.embed_dim => {
                    return Err(format!(
                        "the caption features have {} entries, but those of the text tower have {}",
                        features.len(),
                        text.embed_dim
                    ));
                }
                None if side.captions(index) == 0 => {
                    return Err("some faces have neither captions nor attributes".to_owned());
                }
                _ => (),
            }
        }
    }
    let training = &faces.training;
    let mut all = 0..training.len();
    let is_known = all.any(|index| training.attributes(index) != Attributes::UNKNOWN);
    if config.learning.regression > 0.0 && !is_known {
        return Err("[learning] `regression` needs attributes, but the faces have none".to_owned());
    }
    Ok(())
}
