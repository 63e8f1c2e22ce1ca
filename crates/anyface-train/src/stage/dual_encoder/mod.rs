//! The two towers that play CLIP in the built-in domain.
//!
//! Three runs, one after the other: the teacher's reader of attributes, the text tower, the image
//! tower. Each resumes on its own.

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

/// Captions of a portrait that the image tower learns from.
const CAPTIONS: usize = 3;

/// A whole configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DualEncoderConfig {
    /// Folder of the bundle that is given both towers and the tokenizer.
    pub bundle: PathBuf,
    /// Texts of which the report tells what is read from them.
    pub phrases: Vec<String>,
    /// The texts to learn from.
    pub texts: TextsConfig,
    /// The portraits to learn from.
    pub portraits: PortraitsConfig,
    /// The text tower; its vocabulary may become smaller, if the texts have fewer pieces.
    pub text_tower: TextTowerConfig,
    /// The image tower.
    pub image_tower: ImageTowerConfig,
    /// Batches and losses.
    pub learning: LearningConfig,
    /// The run of the teacher's reader.
    pub reader: RunConfig,
    /// The run of the text tower.
    pub text: RunConfig,
    /// The run of the image tower.
    pub image: RunConfig,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Sentences in a step of the teacher's reader.
    #[serde(deserialize_with = "bounds::batch")]
    pub reader_batch: usize,
    /// Hidden features of the readers.
    #[serde(deserialize_with = "bounds::positive")]
    pub reader_width: usize,
    /// Deviation of what is added to the teacher's embeddings, of mean square 1, before its reader reads them: so it
    /// learns of neighbours too.
    pub reader_noise: f64,
    /// Sentences in a step of the text tower.
    #[serde(deserialize_with = "bounds::batch")]
    pub sentences: usize,
    /// Other texts in a step of the text tower.
    pub broad: usize,
    /// Portraits in a step of the image tower.
    #[serde(deserialize_with = "bounds::batch")]
    pub portraits: usize,
    /// The last so many portraits of the cache are for evaluation only; a multiple of 100.
    pub held_out_portraits: usize,
    /// How much an attribute that a sentence speaks of weighs against one that it leaves open.
    pub said_weight: f64,
    /// Weight of the distance to the teacher's embedding.
    pub distillation: f64,
    /// Weight of the contrast between captions and faces.
    pub contrast: f64,
    /// Weight of the distance between the features of a portrait and of its attributes.
    pub regression: f64,
}

/// `anyface train dual-encoder`: trains both towers of a configuration file and puts them into the bundle, with
/// their tokenizer.
///
/// Beside the checkpoints, `text.out` gets `held_out.csv`, how well each attribute is
/// read from sentences with words that training never used; and `phrases.txt`, what is read from `phrases`.
///
/// # Errors
/// As [`load_config`] and [`train`]; a text, the teacher or the portraits cannot be read; the bundle cannot be
/// written.
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

/// Texts read at once, each with its neighbours in length.
const READ_BATCH: usize = 64;

/// How well sentences are read.
struct Reading {
    /// Of what is said: it counts as right only if it is read as said.
    accuracy: Accuracy,
    /// How often something is read of an attribute of which nothing is said, 0 to 1.
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

/// Reads sentences by `forward`, which gives the logits `[N, A, 3]` of some of them.
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
