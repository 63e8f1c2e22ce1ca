//! Portraits with captions of the grammar, from their latents only. They are not rendered.

use anyface_portraits::Face;
use anyface_portraits::caption::{Caption, Grammar, Split};
use anyface_portraits::latent::{LATENT_DIM, sample};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::DescribedFace;
use crate::data::captions::{latents_of_roles, write_caption};
use crate::data::corpus::{NEUTRAL, neutral_texts};
use crate::data::wordnet::WordNet;

/// Number of neutral texts per text that asks for any face.
const NEUTRAL_EVERY: usize = 8;

/// The portrait of a latent, with `captions` captions. They depend only on the grammar, the
/// portrait, `seed` and `number`.
pub(in crate::stage) fn portrait(
    grammar: &Grammar,
    z: [f32; LATENT_DIM],
    captions: usize,
    seed: u64,
    number: usize,
) -> DescribedFace {
    let attributes = Face::from_latent(&z).attributes();
    let numbers = number * captions..(number + 1) * captions;
    let write = |number| -> Caption { write_caption(grammar, &attributes, seed, number as u64) };
    DescribedFace {
        z: Some(z),
        captions: numbers.map(write).collect(),
    }
}

/// `faces_per_role` portraits per role of the training split, which match the role.
pub(in crate::stage) fn of_roles(
    faces_per_role: usize,
    captions: usize,
    seed: u64,
) -> Vec<DescribedFace> {
    let grammar = Grammar::new(Split::Train);
    latents_of_roles(Split::Train, faces_per_role, seed)
        .into_par_iter()
        .enumerate()
        .map(|(number, z)| portrait(&grammar, z, captions, seed, number))
        .collect()
}

/// Random portraits with up to `count` texts that do not describe a face. For every eight of them,
/// one portrait with a text that asks for any face is added.
pub(in crate::stage) fn neutral(count: usize, wordnet: &WordNet, seed: u64) -> Vec<DescribedFace> {
    let texts = neutral_texts(wordnet);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = count.min(texts.len());
    let chosen = index::sample(&mut rng, texts.len(), count).into_iter();
    let chosen = chosen.map(|i| texts[i].as_str());
    let any_face = NEUTRAL.iter().copied().cycle();
    let chosen = chosen.chain(any_face.take(count.div_ceil(NEUTRAL_EVERY)));
    let of_text = |text: &str| DescribedFace::neutral(Some(sample(&mut rng)), text.to_owned());
    chosen.map(of_text).collect()
}
