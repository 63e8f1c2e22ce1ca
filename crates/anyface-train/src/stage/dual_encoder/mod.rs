//! Training of the dual encoder: the text and image towers in the role of CLIP.
//!
//! It has three runs in sequence: the teacher's attribute reader, the text tower and the image
//! tower. Each can be resumed.

mod image;
mod reader;
mod states;
mod text;
mod texts;

use std::path::{Path, PathBuf};

use anyface::bundle::Bundle;
use anyface::clip::{Family, ImageTowerConfig, TextTowerConfig};
use anyface::weights::write_atomically;
use anyface_portraits::Attribute;
use burn::tensor::{Device, Tensor};
use serde::Deserialize;

use crate::bounds;
use crate::data::faces::FaceSplit;
use crate::data::portraits::PortraitsConfig;
use crate::error::{Result, TrainError};
use crate::eval::Accuracy;
use crate::run::{Evaluation, RunConfig, load_config, train};
pub(super) use image::{GALLERY, ImageLearning, ImageStage, Shown, Words};
use reader::ReaderStage;
use text::TextStage;
use texts::{Sentences, Texts, TextsConfig};

/// Captions per portrait for the image tower.
const CAPTIONS: usize = 3;

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DualEncoderConfig {
    /// Bundle folder that receives both towers and the tokenizer.
    pub bundle: PathBuf,
    /// Phrases for the report of attribute readings.
    pub phrases: Vec<String>,
    /// Training texts.
    pub texts: TextsConfig,
    /// Training portraits.
    pub portraits: PortraitsConfig,
    /// The text tower. The vocabulary shrinks if the texts have fewer pieces.
    pub text_tower: TextTowerConfig,
    /// The image tower.
    pub image_tower: ImageTowerConfig,
    /// Batch sizes and losses.
    pub learning: LearningConfig,
    /// Run of the teacher's attribute reader.
    pub reader: RunConfig,
    /// Run of the text tower.
    pub text: RunConfig,
    /// Run of the image tower.
    pub image: RunConfig,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Sentences per step of the teacher's attribute reader.
    #[serde(deserialize_with = "bounds::batch")]
    pub reader_batch: usize,
    /// Hidden width of the attribute readers.
    #[serde(deserialize_with = "bounds::positive")]
    pub reader_width: usize,
    /// Standard deviation of the noise added to the input of the teacher's attribute reader. The
    /// input has mean square 1. The noise makes the reader generalise to similar texts.
    pub reader_noise: f64,
    /// Caption sentences per step of the text tower.
    #[serde(deserialize_with = "bounds::batch")]
    pub sentences: usize,
    /// Broad texts per step of the text tower.
    pub broad: usize,
    /// Portraits per step of the image tower.
    #[serde(deserialize_with = "bounds::batch")]
    pub portraits: usize,
    /// Number of portraits at the end of the cache held out for evaluation, a multiple of 100.
    pub held_out_portraits: usize,
    /// Weight of a mentioned attribute relative to one that is not mentioned.
    pub said_weight: f64,
    /// Weight of the distance to the teacher's embedding.
    pub distillation: f64,
    /// Weight of the contrast between captions and faces.
    pub contrast: f64,
    /// Weight of the distance between the features of a portrait and of its attributes.
    pub regression: f64,
}

/// `anyface train dual-encoder`: trains both towers and puts them into the bundle with their
/// tokenizer.
///
/// Also writes two reports to `text.out`: `held_out.csv`, the accuracy per attribute on sentences
/// with words that training does not use, and `phrases.txt`, the attributes read from `phrases`.
///
/// # Errors
/// As [`load_config`] and [`train`]. A text, the teacher or the portraits cannot be read, or the
/// bundle cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let path = config;
    let config: DualEncoderConfig = load_config(path)?;
    let texts = Texts::new(&config.texts, &config.text_tower)?;
    let learning = &config.learning;

    let mut stage = ReaderStage {
        texts: &texts,
        learning,
    };
    let reader = train(&mut stage, &config.reader, device, resume)?;

    let mut tower = config.text_tower;
    tower.vocab_size = texts.tokenizer.vocab_size();
    Bundle::put_file(
        &config.bundle,
        "tokenizer.json",
        texts.tokenizer_json.as_bytes(),
    )?;
    let mut stage = TextStage {
        texts: &texts,
        tower: tower.clone(),
        learning,
        reader,
    };
    let text = train(&mut stage, &config.text, device, resume)?;
    write(
        &config.text.out.join("held_out.csv"),
        &stage.read_held_out(&text).accuracy.to_csv(),
    )?;
    Bundle::put(&config.bundle, "text_tower", &tower, &text.tower)?;
    write(
        &config.text.out.join("phrases.txt"),
        &stage.read_phrases(&text, &config.phrases),
    )?;

    let tower = config.image_tower;
    let held_out = learning.held_out_portraits;
    let words = Words {
        tower: &text.tower,
        tokenizer: &texts.tokenizer,
        context: texts.context,
    };
    let mut stage = ImageStage::new(
        tower.clone(),
        Family::Compact,
        ImageLearning {
            batch: learning.portraits,
            captions: CAPTIONS,
            contrast: learning.contrast,
            regression: learning.regression,
            flips: false,
        },
        FaceSplit::open(path, Some(&config.portraits), None, held_out)?,
        &words,
        Shown::Frozen(&text.faces),
    );
    let image = train(&mut stage, &config.image, device, resume)?;
    Ok(Bundle::put(
        &config.bundle,
        "image_tower",
        &tower,
        &image.tower,
    )?)
}

fn write(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, text.as_bytes()).map_err(TrainError::io(path))
}

/// Texts per forward pass, sorted by length.
const READ_BATCH: usize = 64;

/// Accuracy of an attribute reader on sentences.
struct Reading {
    /// Accuracy on mentioned attributes.
    accuracy: Accuracy,
    /// Fraction of attributes not mentioned for which the reader gives a state, 0 to 1.
    invented: f64,
}

impl Reading {
    fn evaluation(&self) -> Evaluation {
        let accuracy = self.accuracy.mean();
        let worst = self.accuracy.worst().map_or(0.0, |(_, accuracy)| accuracy);
        let metrics = [
            ("read", accuracy),
            ("read_worst", worst),
            ("invented", self.invented),
        ];
        Evaluation {
            score: accuracy,
            metrics: metrics
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
        }
    }
}

/// Evaluates the reader `forward`, which maps indices of sentences to logits `[N, A, 3]`.
fn reading(sentences: &Sentences, forward: impl Fn(&[usize]) -> Tensor<3>) -> Reading {
    let mut accuracy = Accuracy::default();
    let (mut unsaid, mut invented) = (0u64, 0u64);
    for batch in sentences.corpus.by_length().chunks(READ_BATCH) {
        for (&index, states) in batch.iter().zip(states::read(forward(batch))) {
            let said = &sentences.of_faces[index].sentence.said;
            for (&attribute, state) in Attribute::ALL.iter().zip(states) {
                match said.iter().find(|(named, _)| *named == attribute) {
                    Some(&(_, truth)) => accuracy.add(attribute, truth, state == Some(truth)),
                    None => {
                        unsaid += 1;
                        invented += u64::from(state.is_some());
                    }
                }
            }
        }
    }
    Reading {
        accuracy,
        invented: invented as f64 / unsaid.max(1) as f64,
    }
}
