//! Sentences with their attribute states, and descriptions composed of them.
//!
//! A sentence of the grammar is true for many faces. The text tower reads some ten thousand
//! sentences once. Every step combines them into a new description of each face.

use std::collections::HashMap;

use anyface_portraits::caption::Split;
use anyface_portraits::{Attribute, Attributes};
use burn::tensor::{Bool, Int, Tensor, TensorData};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::facts::Facts;
use super::samples::Descriptions;
use crate::data::captions::{captions, sentences};
use crate::data::corpus::NEUTRAL;
use crate::stage::text_features::TextFeatures;

/// Maximum number of sentences in a description.
const MOST: usize = 8;
/// Random sentences tried per attribute state. A state without a matching sentence is not
/// mentioned.
const TRIED: usize = 64;
/// Probability of mentioning an absent attribute, relative to a present one. People mostly describe
/// what is visible.
const DENIED: f64 = 0.25;
/// Fraction of the empty descriptions that get a text asking for any face.
const NEUTRAL_PART: f64 = 0.5;

/// Sentences and their text features.
pub(super) struct Sentences {
    /// Attribute states of each sentence.
    said: Vec<Facts>,
    /// Indices of the sentences that state an attribute state.
    by_fact: HashMap<(Attribute, bool), Vec<usize>>,
    /// Unit features `[S + U + 1, E]`: of S sentences, of U texts that ask for any face, then a row
    /// of zeros.
    features: Tensor<2>,
}

impl Sentences {
    /// Writes `count` captions of faces and computes the features of their sentences.
    pub(super) fn write(
        faces: &[Attributes],
        split: Split,
        count: usize,
        seed: u64,
        text_features: &TextFeatures,
    ) -> Self {
        let faces = faces.iter().copied().cycle().take(count).collect();
        let written = sentences(captions(split, faces, seed));
        let written: Vec<_> = written.into_iter().map(|face| face.sentence).collect();
        let texts = written.iter().map(|sentence| sentence.text.as_str());
        let texts: Vec<&str> = texts.chain(NEUTRAL.iter().copied()).collect();
        let features = text_features.read(&texts);
        let nothing = Tensor::zeros([1, features.dims()[1]], &features.device());
        let mut by_fact: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, sentence) in written.iter().enumerate() {
            for &fact in &sentence.said {
                by_fact.entry(fact).or_default().push(place);
            }
        }
        Self {
            said: written
                .iter()
                .map(|sentence| sentence.said.iter().copied().collect())
                .collect(),
            by_fact,
            features: Tensor::cat(vec![features, nothing], 0),
        }
    }

    /// New descriptions of faces. Each attribute state is mentioned with a probability drawn per
    /// face and squared, so that most descriptions are short. About the fraction `silent` mentions
    /// nothing. The attribute given with a face is always mentioned.
    pub(super) fn describe(
        &self,
        faces: &[(Facts, Option<Attribute>)],
        silent: f64,
        rng: &mut ChaCha8Rng,
    ) -> Descriptions {
        let mut rows = Vec::with_capacity(faces.len());
        let mut said = Vec::with_capacity(faces.len());
        for &(face, look) in faces {
            let is_silent = rng.random_bool(silent) && look.is_none();
            let chance = match is_silent {
                true => 0.0,
                false => rng.random::<f64>().powi(2),
            };
            let mut places = self.choose(face, look, chance, rng);
            let facts = places.iter().map(|&place| self.said[place]);
            said.push(facts.fold(Facts::default(), Facts::and));
            if places.is_empty() && rng.random_bool(NEUTRAL_PART) {
                places.push(self.said.len() + rng.random_range(0..NEUTRAL.len()));
            }
            rows.push(places);
        }
        let (features, absent) = self.gather(rows);
        Descriptions {
            features,
            absent,
            said,
        }
    }

    /// Indices of sentences in random order. They are true for a face and mention the attribute
    /// `look` and a random part of the known attribute states.
    fn choose(
        &self,
        face: Facts,
        look: Option<Attribute>,
        chance: f64,
        rng: &mut ChaCha8Rng,
    ) -> Vec<usize> {
        let mut others = face.thinned(chance, chance * DENIED, rng);
        others.shuffle(rng);
        let wanted = look.map(|look| (look, true)).into_iter().chain(others);
        let mut said = Facts::default();
        let mut places = Vec::new();
        for fact in wanted {
            if places.len() == MOST {
                break;
            }
            if said.say(fact) {
                continue;
            }
            let candidates = self.by_fact.get(&fact).map_or(&[][..], Vec::as_slice);
            let mut tried = (0..TRIED).filter_map(|_| candidates.choose(rng));
            if let Some(&place) = tried.find(|&&place| self.said[place].are_true_of(face)) {
                said = said.and(self.said[place]);
                places.push(place);
            }
        }
        places.shuffle(rng);
        places
    }

    /// Features `[N, C, E]` of the sentences in `rows`, and a mask `[N, C]` that is true where a
    /// row has fewer than C sentences.
    fn gather(&self, mut rows: Vec<Vec<usize>>) -> (Tensor<3>, Tensor<2, Bool>) {
        let [all, width] = self.features.dims();
        let nothing = all - 1;
        let most = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
        for row in &mut rows {
            row.resize(most, nothing);
        }
        let shape = [rows.len(), most];
        let places = rows.concat();
        let absent: Vec<bool> = places.iter().map(|&place| place == nothing).collect();
        let places: Vec<i64> = places.iter().map(|&place| place as i64).collect();
        let device = self.features.device();
        let places = Tensor::<1, Int>::from_data(places.as_slice(), &device);
        let features = self.features.clone().select(0, places);
        (
            features.reshape([shape[0], most, width]),
            Tensor::from_data(TensorData::new(absent, shape), &device),
        )
    }
}
