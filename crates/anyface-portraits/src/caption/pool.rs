//! Phrases of one kind, to draw from.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use super::Split;
use super::lexicon::Phrase;
use super::meaning::Says;
use crate::attribute::Attributes;

/// How often something held out is drawn where there is some.
const HELD_OUT_PART: f64 = 0.4;
/// Draws before a pool is taken to hold nothing that fits.
const TRIES: usize = 24;

/// Phrases that a split may use.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    all: Vec<&'static Phrase>,
    held_out: Vec<&'static Phrase>,
}

impl Pool {
    /// Those of the phrases that the split may use.
    pub(super) fn new(phrases: impl Iterator<Item = &'static Phrase>, split: Split) -> Self {
        let mut pool = Self::default();
        phrases.for_each(|phrase| pool.add(phrase, split));
        pool
    }

    /// Adds a phrase if the split may use it.
    pub(super) fn add(&mut self, phrase: &'static Phrase, split: Split) {
        if split.allows(phrase.held_out) {
            self.all.push(phrase);
            if phrase.held_out {
                self.held_out.push(phrase);
            }
        }
    }

    /// All phrases.
    pub(super) fn all(&self) -> &[&'static Phrase] {
        &self.all
    }

    /// Any phrase.
    pub(super) fn any(&self, rng: &mut impl Rng) -> Option<&'static Phrase> {
        self.list(rng).choose(rng).copied()
    }

    /// A phrase that fits the face and does not repeat what has been said. What is only likely is
    /// drawn as often as it is so.
    pub(super) fn draw(
        &self,
        face: &Attributes,
        said: &Says,
        rng: &mut impl Rng,
    ) -> Option<&'static Phrase> {
        let list = self.list(rng);
        (0..TRIES).find_map(|_| {
            let phrase = *list.choose(rng)?;
            let header = &phrase.header;
            let fits = header.fits(face) && !header.repeats(said);
            let likelihood = f64::from(header.likelihood(face));
            (fits && rng.random_bool(likelihood)).then_some(phrase)
        })
    }

    fn list(&self, rng: &mut impl Rng) -> &[&'static Phrase] {
        match !self.held_out.is_empty() && rng.random_bool(HELD_OUT_PART) {
            true => &self.held_out,
            false => &self.all,
        }
    }
}
