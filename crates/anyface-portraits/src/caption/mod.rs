//! The caption grammar: what people might write of a face, in endless variety, with its meaning.
//!
//! `lexicon` holds the words, `meaning` what follows from them, `compose` builds the sentences and
//! `surface` spells them.

mod compose;
mod lexicon;
mod meaning;
mod surface;

use std::collections::BTreeSet;

use rand::Rng;

use crate::attribute::{Attribute, Attributes};
use compose::Composer;
use lexicon::{Frames, Phrase};

/// Which words and frames a grammar uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Those for training.
    Train,
    /// Everything, and in each caption at least one word, role or frame that training never uses.
    HeldOut,
}

impl Split {
    fn allows(self, held_out: bool) -> bool {
        self == Self::HeldOut || !held_out
    }
}

/// A description of a face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// The texts of the sentences, joined by spaces.
    pub text: String,
    /// What the text says of the face, named or meant, true of the face: sorted, each once.
    pub said: Vec<(Attribute, bool)>,
    /// One to six sentences, a phrase or a list of keywords.
    pub sentences: Vec<Sentence>,
}

/// A part of a caption that can be read alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// The words, with the stop.
    pub text: String,
    /// What these words say of the face: sorted, each once.
    pub said: Vec<(Attribute, bool)>,
    /// Whether any word, role or frame in it is one that training never uses.
    pub held_out: bool,
}

impl From<Vec<Sentence>> for Caption {
    fn from(sentences: Vec<Sentence>) -> Self {
        let texts: Vec<&str> = sentences.iter().map(|part| part.text.as_str()).collect();
        let said: BTreeSet<_> = sentences.iter().flat_map(|part| &part.said).collect();
        Self {
            text: texts.join(" "),
            said: said.into_iter().copied().collect(),
            sentences,
        }
    }
}

/// Words for a person that say more than age and gender: "sailor" says a bearded man in a cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The words, without an article.
    pub words: &'static str,
    /// All that they say of the face; [`crate::latent::steer`] makes a face of it.
    pub says: Vec<(Attribute, bool)>,
}

/// Writes captions.
#[derive(Debug, Clone)]
pub struct Grammar {
    split: Split,
    people: Vec<Phrase>,
    looks: Vec<Phrase>,
    frames: Frames,
}

impl Grammar {
    /// The grammar of the split.
    pub fn new(split: Split) -> Self {
        Self {
            split,
            people: lexicon::people(split),
            looks: lexicon::looks(split),
            frames: lexicon::frames(split),
        }
    }

    /// One caption of a face with these attributes. It says some of them, from none to most, and
    /// nothing that cannot be told; the same state of `rng` gives the same caption.
    pub fn caption(&self, attributes: &Attributes, rng: &mut impl Rng) -> Caption {
        loop {
            let sentences = Composer::new(self, attributes, rng).compose();
            if self.split == Split::Train || sentences.iter().any(|part| part.held_out) {
                return sentences.into();
            }
        }
    }

    /// The roles of the split. A caption uses a role only for a face of which it is true, and few
    /// random faces look like a wizard: steer some to each.
    pub fn roles(&self) -> Vec<Role> {
        self.people
            .iter()
            .filter(|phrase| phrase.is_role())
            .map(|phrase| Role {
                words: phrase.text,
                says: meaning::closure(&phrase.meaning),
            })
            .collect()
    }
}

impl Phrase {
    /// Whether the words for a person say more than age and gender.
    fn is_role(&self) -> bool {
        use Attribute::{Child, Elderly, Male, Young};
        self.meaning
            .iter()
            .any(|(a, _)| ![Male, Young, Child, Elderly].contains(a))
    }
}

#[cfg(test)]
mod tests;
