//! Portraits with known latents and captions of the grammar.

use anyface_portraits::caption::{Caption, Grammar, Split};
use anyface_portraits::latent::{LATENT_DIM, sample};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::facts::Facts;
use super::samples::{Descriptions, Samples};
use super::{LearningConfig, PortraitsConfig, PriorConfig};
use crate::data::wordnet::WordNet;
use crate::error::Result;
use crate::stage::described::{
    DescribedFace, DescribedFaces, TextBatch, neutral, of_roles, portrait,
};
use crate::stage::text_features::TextFeatures;

/// Portraits and the text features of their captions.
pub(super) struct Portraits {
    random: Described,
    /// Faces that match a role, with captions of the grammar. Training only.
    roles: Option<Described>,
    /// Faces with a neutral text or without text.
    neutral: Described,
}

/// Faces of one kind.
struct Described {
    /// Normals behind `z`, `[P, D]`.
    normals: Tensor<2>,
    texts: DescribedFaces,
}

impl Portraits {
    /// Training and held-out portraits. Held-out captions use words that the grammar keeps out of
    /// training.
    ///
    /// # Errors
    /// WordNet cannot be read.
    pub(super) fn read(
        config: &PriorConfig,
        portraits: &PortraitsConfig,
        text_features: &TextFeatures,
        device: &Device,
    ) -> Result<[Self; 2]> {
        let wordnet = WordNet::open(&portraits.wordnet)?;
        let (seed, captions) = (config.run.seed, config.data.captions);
        let describe = |faces: Vec<DescribedFace>| Described::read(faces, text_features, device);
        let random = |split, first, count| random(split, first, count, captions, seed);
        let [training, held_out] = [portraits.count, config.data.held_out];
        let neutral = |count| describe(silent(neutral(count, &wordnet, seed)));
        Ok([
            Self {
                random: describe(random(Split::Train, 0, training)),
                roles: Some(describe(of_roles(portraits.faces_per_role, captions, seed))),
                neutral: neutral(portraits.neutral_texts),
            },
            Self {
                random: describe(random(Split::HeldOut, training, held_out)),
                roles: None,
                neutral: neutral(held_out),
            },
        ])
    }
}

/// Random portraits with captions of the split, numbered from `first`.
fn random(
    split: Split,
    first: usize,
    count: usize,
    captions: usize,
    seed: u64,
) -> Vec<DescribedFace> {
    let grammar = Grammar::new(split);
    let numbers = (first..first + count).into_par_iter();
    let faces = numbers.map(|number| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64);
        portrait(&grammar, sample(&mut rng), captions, seed, number)
    });
    faces.collect()
}

/// Removes the captions of every second face.
fn silent(mut faces: Vec<DescribedFace>) -> Vec<DescribedFace> {
    for face in faces.iter_mut().step_by(2) {
        face.captions = vec![Caption::from(Vec::new())];
    }
    faces
}

impl Described {
    fn read(faces: Vec<DescribedFace>, text_features: &TextFeatures, device: &Device) -> Self {
        let normals: Vec<f32> = faces.iter().filter_map(|face| face.z).flatten().collect();
        let normals = TensorData::new(normals, [faces.len(), LATENT_DIM]);
        Self {
            normals: Tensor::from_data(normals, device),
            texts: DescribedFaces::read(faces, text_features),
        }
    }

    /// Normals `[N, D]` and random captions of `count` random faces.
    fn batch(&self, count: usize, rng: &mut ChaCha8Rng) -> (Tensor<2>, TextBatch) {
        let chosen: Vec<usize> = (0..count)
            .map(|_| rng.random_range(0..self.texts.len()))
            .collect();
        let places: Vec<i64> = chosen.iter().map(|&place| place as i64).collect();
        let places = Tensor::from_data(places.as_slice(), &self.normals.device());
        let normals = self.normals.clone().select(0, places);
        (normals, self.texts.batch(&chosen, rng))
    }
}

impl Samples for Portraits {
    fn latents(&self) -> &Tensor<2> {
        &self.random.normals
    }

    fn batch(
        &self,
        count: usize,
        LearningConfig { silent, rare, .. }: LearningConfig,
        rng: &mut ChaCha8Rng,
    ) -> (Tensor<2>, Descriptions) {
        let part = |part: f64| (count as f64 * part).round() as usize;
        let roles = self.roles.as_ref().map(|roles| (roles, part(rare)));
        let roles_count = roles.map_or(0, |(_, count)| count);
        let silent = part(silent).min(count - roles_count);
        let others = [
            (&self.neutral, silent),
            (&self.random, count - roles_count - silent),
        ];
        let kinds = roles.into_iter().chain(others);
        let kinds = kinds.filter(|(_, count)| *count > 0);
        let (normals, texts): (Vec<_>, Vec<_>) =
            kinds.map(|(kind, count)| kind.batch(count, rng)).unzip();
        let texts = texts
            .into_iter()
            .reduce(|a, b| TextBatch::concatenate([a, b]));
        let texts = texts.expect("a batch is not empty");
        let said = texts.faces.iter();
        let descriptions = Descriptions {
            said: said
                .map(|face| face.said.iter().copied().collect())
                .collect::<Vec<Facts>>(),
            features: texts.features,
            absent: texts.absent,
        };
        (Tensor::cat(normals, 0), descriptions)
    }
}
