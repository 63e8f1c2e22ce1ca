//! The words for persons, chosen by how well they fit a face.

use std::sync::Arc;

use rand::{Rng, RngExt};

use super::Split;
use super::lexicon::Phrase;
use super::meaning::Header;
use super::pool::Pool;
use crate::attribute::{Attribute, Attributes};

/// How much more often words are chosen for every fact that they say: who fits a rare word is
/// called by it.
const FACT_WEIGHT: f32 = 1.6;
/// The same for what is likely, where it is certain. What nothing is known of weighs 1.
const LIKELY_WEIGHT: f32 = 2.0;

/// Words of one meaning.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) header: Arc<Header>,
    pub(super) words: Pool,
    weight: f32,
}

impl Block {
    /// The words of a block of the lexicon that the split may use; none if there are none.
    pub(super) fn new(phrases: &[&'static Phrase], split: Split) -> Option<Self> {
        let words = Pool::new(phrases.iter().copied(), split);
        let first = words.all().first()?;
        let header = first.header.clone();
        let facts = header.says.facts.len() as i32;
        let likely = header.says.likely.len() as i32;
        let weight = (words.all().len() as f32).sqrt()
            * FACT_WEIGHT.powi(facts)
            * LIKELY_WEIGHT.powi(likely);
        Some(Self {
            header,
            words,
            weight,
        })
    }

    /// Whether the words say more than age and gender.
    pub(super) fn is_role(&self) -> bool {
        use Attribute::{Child, Elderly, Male, Young};
        let says = &self.header.says;
        let is_more = |attribute: Attribute| ![Male, Young, Child, Elderly].contains(&attribute);
        !says.likely.is_empty() || says.facts.iter().any(|&(attribute, _)| is_more(attribute))
    }
}

/// Words for a person with this face, out of some blocks; `None` if none fits.
pub(super) fn choose<'b>(
    blocks: impl Iterator<Item = &'b Block>,
    face: &Attributes,
    rng: &mut impl Rng,
) -> Option<&'static Phrase> {
    let weighted: Vec<(f32, &Block)> = blocks
        .filter(|block| block.header.fits(face))
        .map(|block| (block.weight * block.header.likelihood(face), block))
        .collect();
    let total: f32 = weighted.iter().map(|(weight, _)| weight).sum();
    let mut left = rng.random::<f32>() * total;
    let chosen = weighted.iter().find(|(weight, _)| {
        left -= weight;
        left <= 0.0
    });
    let (_, block) = chosen.or(weighted.last())?;
    block.words.any(rng)
}
