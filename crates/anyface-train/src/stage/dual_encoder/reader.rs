//! The attribute reader of the teacher: a small head on its embeddings.
//!
//! The head is trained only on sentences of captions. The embeddings of the teacher generalise, so
//! the head also reads words that no caption has. The text tower learns these words from its
//! readings of the broad corpus.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::states::{AttributeReader, said, state_cross_entropy};
use super::texts::{Sentences, Texts};
use super::{LearningConfig, reading};
use crate::error::Result;
use crate::run::{Evaluation, Stage, StepOutput};

/// Trains an [`AttributeReader`] on the teacher's embeddings of sentences.
pub(super) struct ReaderStage<'a> {
    pub(super) texts: &'a Texts,
    pub(super) learning: &'a LearningConfig,
}

impl Stage for ReaderStage<'_> {
    type Model = AttributeReader;

    fn init(&self, device: &Device) -> Result<AttributeReader> {
        Ok(AttributeReader::new(
            self.texts.train.corpus.teacher_dim(),
            self.learning.reader_width,
            device,
        ))
    }

    fn step(&mut self, reader: &AttributeReader, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let Sentences { of_faces, corpus } = &self.texts.train;
        let device = reader.devices().remove(0);
        let batch = corpus.draw(self.learning.reader_batch, rng);
        let sentences: Vec<_> = batch.iter().map(|&index| &of_faces[index]).collect();
        let embeddings = corpus.embeddings(&batch, &device);
        let noise: Vec<f32> = StandardNormal
            .sample_iter(rng)
            .take(embeddings.shape().num_elements())
            .collect();
        let noise = Tensor::from_data(TensorData::new(noise, embeddings.dims()), &device);
        let logits = reader.forward(embeddings + noise * self.learning.reader_noise);
        let loss =
            state_cross_entropy(logits, said(&sentences, &device), self.learning.said_weight);
        Ok(StepOutput::backward(reader, &loss, &[], batch.len()))
    }

    fn evaluate(&mut self, reader: &AttributeReader) -> Result<Evaluation> {
        let corpus = &self.texts.held_out.corpus;
        let device = reader.devices().remove(0);
        let reading = reading(&self.texts.held_out, |batch| {
            reader.forward(corpus.embeddings(batch, &device))
        });
        Ok(reading.evaluation())
    }
}
