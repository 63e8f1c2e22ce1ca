//! Sentences with what they say, and descriptions put together of them.
//!
//! A sentence of the grammar is true of many faces. So some ten thousand of them, read once by the
//! text tower, make a new description of every face in every step.

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

/// The most sentences of a description.
const MOST: usize = 8;
/// Sentences that are tried for one fact. What few sentences say may stay unsaid.
const TRIED: usize = 64;
/// People say what is there: what is not there is said so much more seldom.
const DENIED: f64 = 0.25;
/// Descriptions of which so many say in words that any face will do, of those that say nothing.
const NEUTRAL_PART: f64 = 0.5;

/// Sentences, read once.
pub(super) struct Sentences {
    /// What each says.
    said: Vec<Facts>,
    /// Those that say a fact.
    by_fact: HashMap<(Attribute, bool), Vec<usize>>,
    /// Unit features of all, then of words that ask for any face, then a row of zeros, `[S + U + 1,
    /// E]`.
    features: Tensor<2>,
}

impl Sentences {
    /// Writes `count` captions of faces and reads each of their sentences.
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

    /// New descriptions of faces. Each fact is said with a chance that is drawn for every face,
    /// squared, so that most descriptions are short; about the part `silent` of them say nothing.
    /// A look beside a face is always said.
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

    /// Sentences that are true of a face and say a look and some of what is known of it, in any
    /// order.
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

    /// Features `[N, C, E]` of the sentences at these places, and where there are fewer than C,
    /// `[N, C]`.
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
