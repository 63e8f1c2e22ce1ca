//! Labelled photographs as latents and facts.

use std::path::Path;

use anyface::inversion::ResidualEncoder;
use anyface_portraits::Attributes;
use anyface_portraits::caption::Split;
use burn::tensor::{Device, Int, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::PriorConfig;
use super::facts::Facts;
use super::sentences::{Descriptions, Sentences};
use crate::data::faces::Faces;
use crate::error::{Result, TrainError};
use crate::stage::text_features::TextFeatures;

/// Pictures that the encoder reads at once.
const READ_BATCH: usize = 64;

/// Faces with latents, what is known of them, and sentences that are true of some.
pub(super) struct Samples {
    facts: Vec<Facts>,
    /// Of the pictures, then of their mirror images, `[2·P, D]`.
    latents: Tensor<2>,
    sentences: Sentences,
}

impl Samples {
    /// Finds the latents of faces, and writes and reads captions of them.
    ///
    /// # Errors
    /// When nothing is known of the faces.
    pub(super) fn read(
        file: &Path,
        config: &PriorConfig,
        faces: &dyn Faces,
        split: Split,
        encoder: &ResidualEncoder,
        text_features: &TextFeatures,
        device: &Device,
    ) -> Result<Self> {
        let places: Vec<usize> = (0..faces.len()).collect();
        let attributes: Vec<Attributes> = places.iter().map(|&i| faces.attributes(i)).collect();
        let facts: Vec<Facts> = attributes.iter().map(Facts::of).collect();
        if facts.iter().all(|facts| facts.is_empty()) {
            let message = "[photographs] has no attributes: the prior learns from labels";
            return Err(TrainError::config(file, message));
        }
        let find = |is_mirrored: bool| {
            let found = places.par_chunks(READ_BATCH).map(|batch| {
                let images = faces.images(batch, device);
                encoder.forward(match is_mirrored {
                    true => images.flip([3]),
                    false => images,
                })
            });
            Tensor::cat(found.collect(), 0)
        };
        let latents = Tensor::cat(vec![find(false), find(true)], 0);
        let captions = config.data.captions;
        Ok(Self {
            sentences: Sentences::write(
                &attributes,
                split,
                captions,
                config.run.seed,
                text_features,
            ),
            facts,
            latents,
        })
    }

    /// The latents of all pictures and of their mirror images, `[2·P, D]`.
    pub(super) const fn latents(&self) -> &Tensor<2> {
        &self.latents
    }

    /// Latents `[N, D]` of random faces with new descriptions.
    pub(super) fn batch(
        &self,
        count: usize,
        silent: f64,
        rng: &mut ChaCha8Rng,
    ) -> (Tensor<2>, Descriptions) {
        let chosen: Vec<usize> = (0..count)
            .map(|_| rng.random_range(0..2 * self.facts.len()))
            .collect();
        let facts: Vec<Facts> = chosen
            .iter()
            .map(|&place| self.facts[place % self.facts.len()])
            .collect();
        let descriptions = self.sentences.describe(&facts, silent, rng);
        let places: Vec<i64> = chosen.iter().map(|&place| place as i64).collect();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &self.latents.device());
        (self.latents.clone().select(0, places), descriptions)
    }
}
