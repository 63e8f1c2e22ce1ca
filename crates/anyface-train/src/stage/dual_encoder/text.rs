//! Training of the text tower: word meanings from the teacher, attributes from captions.
//!
//! The losses are:
//! - distillation: a linear layer predicts the teacher's embedding from the feature;
//! - states: a head predicts the attributes from the feature. Targets come from the captions, and
//!   for the broad corpus from the teacher's attribute reader;
//! - contrast: CLIP's contrastive loss between sentences and faces, with a tower over attributes in
//!   place of the image tower.

use anyface::clip::{TextTower, TextTowerConfig, Tokens};
use anyface_portraits::{Attribute, Attributes};
use burn::module::{Initializer, Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;

use super::states::{AttributeReader, STATES, said, shown, state_cross_entropy};
use super::texts::{Sentences, Texts};
use super::{LearningConfig, Reading, reading};
use crate::error::Result;
use crate::loss::contrastive;
use crate::run::{Evaluation, Stage, StepOutput};

/// The text tower and the layers that only training uses.
#[derive(Module, Debug)]
pub(super) struct TextLearner {
    /// The tower.
    pub(super) tower: TextTower,
    /// From features to the teacher's embeddings.
    to_teacher: Linear,
    reader: AttributeReader,
    /// From attributes to features.
    pub(super) faces: FaceTower,
    /// Logarithm of the inverse temperature of the contrast, `[1]`.
    log_scale: Param<Tensor<1>>,
}

impl TextLearner {
    pub(super) fn new(
        tower: &TextTowerConfig,
        teacher_dim: usize,
        reader_width: usize,
        device: &Device,
    ) -> Self {
        let dim = tower.embed_dim;
        Self {
            tower: tower.init(device),
            to_teacher: LinearConfig::new(dim, teacher_dim).init(device),
            reader: AttributeReader::new(dim, reader_width, device),
            faces: FaceTower::new(dim, device),
            log_scale: initial_log_scale(device),
        }
    }

    /// Logits `[N, A, 3]` of the attribute states in a text: denied, stated, not mentioned.
    pub(super) fn read(&self, tokens: Tokens) -> Tensor<3> {
        self.reader.forward(self.tower.forward(tokens))
    }
}

/// CLIP's initial temperature, 0.07 (Radford et al. 2021, section 2.5).
pub(super) fn initial_log_scale(device: &Device) -> Param<Tensor<1>> {
    Initializer::Constant {
        value: (1.0f64 / 0.07).ln(),
    }
    .init([1], device)
}

/// Two layers from the attributes of a face to a feature. They replace the image tower while the
/// text tower trains.
#[derive(Module, Debug)]
pub(in crate::stage) struct FaceTower {
    hidden: Linear,
    projection: Linear,
}

impl FaceTower {
    pub(super) fn new(dim: usize, device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(2 * Attribute::COUNT, 2 * dim).init(device),
            projection: LinearConfig::new(2 * dim, dim).init(device),
        }
    }

    /// Features `[N, E]` of faces.
    pub(super) fn forward<'a>(&self, faces: impl IntoIterator<Item = &'a Attributes>) -> Tensor<2> {
        let shown = shown(faces, &self.hidden.weight.device());
        let known = shown.clone().abs();
        self.projection.forward(gelu(
            self.hidden.forward(Tensor::cat(vec![shown, known], 1)),
        ))
    }
}

/// Trains a [`TextLearner`].
pub(super) struct TextStage<'a> {
    pub(super) texts: &'a Texts,
    pub(super) tower: TextTowerConfig,
    pub(super) learning: &'a LearningConfig,
    /// The frozen attribute reader of the teacher.
    pub(super) reader: AttributeReader,
}

impl TextStage<'_> {
    /// One minus the cosine similarity of the teacher's embedding and its prediction from the
    /// feature, mean over the batch.
    fn distillation(learner: &TextLearner, features: Tensor<2>, teacher: Tensor<2>) -> Tensor<1> {
        let told = learner.to_teacher.forward(features);
        anyface::clip::clip_score(told, teacher)
            .neg()
            .add_scalar(1.0)
            .mean()
    }

    /// One line per phrase: the attributes read from it with their probabilities, highest first.
    pub(super) fn read_phrases(&self, learner: &TextLearner, phrases: &[String]) -> String {
        let device = learner.log_scale.device();
        let line = |phrase: &String| {
            let tokens = self
                .texts
                .tokenizer
                .batch(&[phrase], self.texts.context, &device);
            let states: Vec<f32> = softmax(learner.read(tokens), 2)
                .into_data()
                .iter()
                .collect();
            let mut read: Vec<(f32, String)> = Attribute::ALL
                .iter()
                .zip(states.chunks_exact(STATES))
                .flat_map(|(a, states)| {
                    [
                        (states[1], a.name().to_owned()),
                        (states[0], format!("not {}", a.name())),
                    ]
                })
                .filter(|(probability, _)| *probability > 0.3)
                .collect();
            read.sort_by(|a, b| b.0.total_cmp(&a.0));
            let read: Vec<String> = read
                .iter()
                .map(|(p, name)| format!("{name} {p:.2}"))
                .collect();
            format!("{phrase}: {}\n", read.join(", "))
        };
        phrases.iter().map(line).collect()
    }

    pub(super) fn read_held_out(&self, learner: &TextLearner) -> Reading {
        let corpus = &self.texts.held_out.corpus;
        let device = learner.log_scale.device();
        reading(&self.texts.held_out, |batch| {
            learner.read(corpus.tokens(batch, &self.texts.tokenizer, &device))
        })
    }
}

impl Stage for TextStage<'_> {
    type Model = TextLearner;

    fn init(&self, device: &Device) -> Result<TextLearner> {
        let teacher_dim = self.texts.train.corpus.teacher_dim();
        let mut learner =
            TextLearner::new(&self.tower, teacher_dim, self.learning.reader_width, device);
        let table = self.texts.token_table(self.tower.width, device);
        learner.tower.token_embedding.weight = Param::from_tensor(table);
        Ok(learner)
    }

    fn step(&mut self, learner: &TextLearner, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let Texts {
            tokenizer,
            train: Sentences { of_faces, corpus },
            broad,
            ..
        } = self.texts;
        let learning = self.learning;
        let device = learner.log_scale.device();
        let plain = device.clone().inner();

        let batch = corpus.draw(learning.sentences, rng);
        let sentences: Vec<_> = batch.iter().map(|&index| &of_faces[index]).collect();
        let features = learner
            .tower
            .forward(corpus.tokens(&batch, tokenizer, &device));
        let distilled = Self::distillation(
            learner,
            features.clone(),
            corpus.embeddings(&batch, &device),
        );
        let states = said(&sentences, &device);
        let states = state_cross_entropy(
            learner.reader.forward(features.clone()),
            states,
            learning.said_weight,
        );
        let shown = learner
            .faces
            .forward(sentences.iter().map(|face| &face.attributes));
        let contrast = contrastive(shown, features, learner.log_scale.val());

        let batch = broad.draw(learning.broad, rng);
        let features = learner
            .tower
            .forward(broad.tokens(&batch, tokenizer, &device));
        let teacher = broad.embeddings(&batch, &plain);
        let read = Tensor::from_inner(softmax(self.reader.forward(teacher.clone()), 2));
        let broad_distilled =
            Self::distillation(learner, features.clone(), Tensor::from_inner(teacher));
        let broad_states =
            state_cross_entropy(learner.reader.forward(features), read, learning.said_weight);

        let total = (distilled.clone() + broad_distilled.clone()) * learning.distillation
            + states.clone()
            + broad_states.clone()
            + contrast.clone() * learning.contrast;
        let parts = [
            ("distillation", &distilled),
            ("states", &states),
            ("contrast", &contrast),
            ("broad_distillation", &broad_distilled),
            ("broad_states", &broad_states),
        ];
        Ok(StepOutput::backward(
            learner,
            &total,
            &parts,
            learning.sentences + learning.broad,
        ))
    }

    fn evaluate(&mut self, ema: &TextLearner) -> Result<Evaluation> {
        Ok(self.read_held_out(ema).evaluation())
    }
}
