//! Labelled photographs. The encoder gives their latents, and sentences of the grammar describe
//! them.

use std::path::Path;

use anyface::inversion::ResidualEncoder;
use anyface_portraits::caption::Split;
use anyface_portraits::{Attribute, Attributes};
use burn::tensor::{Device, Int, Tensor};
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::facts::Facts;
use super::samples::{Descriptions, Samples};
use super::sentences::Sentences;
use super::{LearningConfig, PriorConfig};
use crate::data::faces::Faces;
use crate::error::{Result, TrainError};
use crate::stage::text_features::TextFeatures;

/// Pictures per forward pass of the encoder.
const READ_BATCH: usize = 64;
/// Maximum fraction of faces with an attribute that counts as rare.
const RARE: f64 = 0.08;
/// Minimum number of faces with a rare attribute.
const LEAST_FACES: usize = 20;

/// Photographs with latents, attributes and a pool of sentences.
pub(super) struct Photographs {
    facts: Vec<Facts>,
    /// Latents of the pictures, then of their mirror images, `[2·P, D]`.
    latents: Tensor<2>,
    sentences: Sentences,
    /// Rare attributes and the indices of their faces.
    rare: Vec<(Attribute, Vec<usize>)>,
}

impl Photographs {
    /// Computes the latents of faces, and writes and reads captions.
    ///
    /// # Errors
    /// No face has a known attribute.
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
            let message = "[photographs] has no attributes; the prior needs labels";
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
            rare: rare_looks(&facts),
            facts,
            latents,
        })
    }
}

impl Samples for Photographs {
    /// Latents of all pictures and their mirror images, `[2·P, D]`.
    fn latents(&self) -> &Tensor<2> {
        &self.latents
    }

    fn batch(
        &self,
        count: usize,
        LearningConfig { silent, rare, .. }: LearningConfig,
        rng: &mut ChaCha8Rng,
    ) -> (Tensor<2>, Descriptions) {
        let faces = self.facts.len();
        let choose = |_| match self.rare.choose(rng) {
            Some((look, places)) if rng.random_bool(rare) => {
                let place = places[rng.random_range(0..places.len())];
                (place + faces * rng.random_range(0..2), Some(*look))
            }
            _ => (rng.random_range(0..2 * faces), None),
        };
        let (chosen, looks): (Vec<usize>, Vec<_>) = (0..count).map(choose).unzip();
        let facts = chosen.iter().map(|&place| self.facts[place % faces]);
        let facts: Vec<_> = facts.zip(looks).collect();
        let descriptions = self.sentences.describe(&facts, silent, rng);
        let places: Vec<i64> = chosen.iter().map(|&place| place as i64).collect();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &self.latents.device());
        (self.latents.clone().select(0, places), descriptions)
    }
}

/// Rare attributes and the indices of their faces.
fn rare_looks(faces: &[Facts]) -> Vec<(Attribute, Vec<usize>)> {
    let all = Attribute::ALL.iter().map(|&attribute| {
        let places = (0..faces.len()).filter(|&place| faces[place].say((attribute, true)));
        (attribute, places.collect::<Vec<_>>())
    });
    let most = (faces.len() as f64 * RARE) as usize;
    all.filter(|(_, places)| (LEAST_FACES..=most).contains(&places.len()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_of_one_face_in_twenty_is_rare() {
        let faces: Vec<Facts> = (0..400)
            .map(|i| {
                let facts = [
                    (Attribute::Bald, i % 20 == 0),
                    (Attribute::Male, i % 2 == 0),
                    (Attribute::WearingHat, i == 7),
                ];
                Facts::from_iter(facts)
            })
            .collect();
        let rare = rare_looks(&faces);
        assert_eq!(rare.len(), 1, "{rare:?}");
        let (look, places) = &rare[0];
        assert_eq!((*look, places.len()), (Attribute::Bald, 20));
        assert!(places.iter().all(|place| place % 20 == 0));
    }
}
