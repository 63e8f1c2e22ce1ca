//! The phrases for looks, found by what they say.

use super::Split;
use super::lexicon::{Class, LEXICON, Phrase};
use super::pool::Pool;
use crate::attribute::{Attribute, Degree};

/// Words that deny already, and are not denied again.
const DENYING: [&str; 12] = [
    "no", "not", "nothing", "zero", "less", "hardly", "neither", "without", "only", "just",
    "nobody", "barely",
];

/// The phrases for looks that a split may use.
#[derive(Debug, Clone)]
pub(super) struct Looks {
    by_fact: Vec<Pool>,
    by_degree: Vec<Pool>,
    deniable: Vec<Pool>,
    /// Those that bear on no attribute.
    pub(super) neutral: Pool,
    slightly: Pool,
    very: Pool,
}

impl Looks {
    /// Those that the split may use.
    pub(super) fn new(split: Split) -> Self {
        let pools = |count: usize| vec![Pool::default(); count];
        let of = |class: Class| {
            let words = LEXICON.looks.iter();
            Pool::new(words.filter(|phrase| phrase.class == class), split)
        };
        let mut looks = Self {
            by_fact: pools(2 * Attribute::COUNT),
            by_degree: pools(2 * Attribute::COUNT),
            deniable: pools(Attribute::COUNT),
            neutral: Pool::default(),
            slightly: of(Class::Slightly),
            very: of(Class::Very),
        };
        let is_look = |phrase: &&Phrase| !matches!(phrase.class, Class::Slightly | Class::Very);
        for phrase in LEXICON.looks.iter().filter(is_look) {
            looks.add(phrase, split);
        }
        looks
    }

    fn add(&mut self, phrase: &'static Phrase, split: Split) {
        let says = &phrase.header.says;
        let mostly = |&((attribute, state), percent): &((Attribute, bool), u8)| {
            (attribute, state == (percent >= 50))
        };
        let mut is_neutral = true;
        for (attribute, degree) in &says.degrees {
            self.by_degree[degree_place(*attribute, *degree)].add(phrase, split);
            is_neutral = false;
        }
        if is_neutral {
            let likely = says.likely.iter().map(mostly);
            for (attribute, state) in says.facts.iter().copied().chain(likely) {
                self.by_fact[fact_place(attribute, state)].add(phrase, split);
                is_neutral = false;
            }
        }
        if is_neutral {
            self.neutral.add(phrase, split);
        }
        let first = phrase.text.split(' ').next().unwrap_or_default();
        let affirms = !DENYING.contains(&first) && !phrase.text.contains(" not ");
        let is_predicate = matches!(
            phrase.class,
            Class::Adjective | Class::Age | Class::Is | Class::Has | Class::Wear | Class::Hair
        );
        if let (Some(attribute), true, true) = (phrase.header.deniable, affirms, is_predicate) {
            self.deniable[attribute.index()].add(phrase, split);
        }
    }

    /// Phrases that say the fact, or make it likely.
    pub(super) fn saying(&self, attribute: Attribute, state: bool) -> &Pool {
        &self.by_fact[fact_place(attribute, state)]
    }

    /// Phrases that say how much there is.
    pub(super) fn grading(&self, attribute: Attribute, degree: Degree) -> &Pool {
        &self.by_degree[degree_place(attribute, degree)]
    }

    /// Phrases that say the attribute and nothing else, so that it is denied with them.
    pub(super) fn deniable(&self, attribute: Attribute) -> &Pool {
        &self.deniable[attribute.index()]
    }

    /// The words that stand for a slot: "{slightly}" or "{very}".
    pub(super) fn adverbs(&self, slot: &str) -> Option<&Pool> {
        match slot {
            "slightly" => Some(&self.slightly),
            "very" => Some(&self.very),
            _ => None,
        }
    }
}

const fn fact_place(attribute: Attribute, state: bool) -> usize {
    2 * attribute.index() + state as usize
}

const fn degree_place(attribute: Attribute, degree: Degree) -> usize {
    2 * attribute.index() + matches!(degree, Degree::Extreme) as usize
}
