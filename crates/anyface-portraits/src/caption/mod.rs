//! The caption grammar: what people might write of a face, in endless variety, with its meaning.
//!
//! `lexicon` holds the words, `meaning` what follows from them. `looks` and `persons` find those that
//! fit a face. `compose` builds English sentences, which `surface` spells; `foreign` and `emoji`
//! build the others.

mod compose;
mod emoji;
mod foreign;
mod lexicon;
mod looks;
mod meaning;
mod persons;
mod pool;
mod slips;
mod slots;
mod surface;

use std::collections::BTreeSet;

use rand::{Rng, RngExt};

use crate::attribute::{Attribute, Attributes, Degree};
use compose::{Composer, Mood};
use emoji::Emoji;
use foreign::Foreign;
use lexicon::{Frames, LEXICON};
use looks::Looks;
use meaning::Says;
use persons::Block;

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

/// What a caption is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(
    missing_docs,
    reason = "each variant is the name of the language it stands for"
)]
pub enum Language {
    English,
    German,
    French,
    Spanish,
    Italian,
    Portuguese,
    /// Signs for people, faces and things.
    Emoji,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 7] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::Italian,
        Self::Portuguese,
        Self::Emoji,
    ];

    /// Its name in English, small letters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "english",
            Self::German => "german",
            Self::French => "french",
            Self::Spanish => "spanish",
            Self::Italian => "italian",
            Self::Portuguese => "portuguese",
            Self::Emoji => "emoji",
        }
    }

    /// The language of a caption of [`Grammar::caption`]: English for three in four, the others
    /// alike.
    fn draw(rng: &mut impl Rng) -> Self {
        match rng.random_range(0..24) {
            place @ 0..6 => Self::ALL[1 + place],
            _ => Self::English,
        }
    }
}

/// A description of a face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    /// The texts of the sentences, joined by spaces.
    pub text: String,
    /// What the text says of the face, named or meant, true of the face: sorted, each once.
    pub said: Vec<(Attribute, bool)>,
    /// One to six sentences, a phrase, a list of keywords or some signs.
    pub sentences: Vec<Sentence>,
}

/// A part of a caption that can be read alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sentence {
    /// The words, with the stop.
    pub text: String,
    /// What these words say of the face: sorted, each once.
    pub said: Vec<(Attribute, bool)>,
    /// What they make likely beside it, with the percentage of faces of which it is so: sorted, each
    /// attribute once. The face may be one of the others.
    pub likely: Vec<((Attribute, bool), u8)>,
    /// How much they say there is of something: sorted, each attribute once.
    pub degrees: Vec<(Attribute, Degree)>,
    /// Whether any word, role or frame in it is one that training never uses.
    pub held_out: bool,
}

impl Sentence {
    fn new(text: String, says: Says, held_out: bool) -> Self {
        let says = says.closed();
        Self {
            text,
            said: says.facts,
            likely: says.likely,
            degrees: says.degrees,
            held_out,
        }
    }
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

/// Words for a person that say more than age and gender: "sailor" says a man, and likely a beard and
/// a cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The words, without an article.
    pub words: &'static str,
    /// All that they surely say of the face.
    pub says: Vec<(Attribute, bool)>,
    /// What they make likely beside it, with percentages.
    pub likely: Vec<((Attribute, bool), u8)>,
}

impl Role {
    /// A face for the role: what is sure, and what is likely as often as it is so.
    /// [`crate::latent::steer`] makes one of it.
    pub fn draw(&self, rng: &mut impl Rng) -> Vec<(Attribute, bool)> {
        let mut wanted = self.says.clone();
        for &((attribute, state), percent) in &self.likely {
            let holds = rng.random_ratio(percent.into(), 100);
            wanted.push((attribute, state == holds));
        }
        wanted
    }
}

/// Captions that deny, among those in English.
const DENYING_PART: f64 = 0.12;
/// Captions that are written before one without a held-out word is given out: of a face of which
/// nothing is known, a language may have nothing else to say.
const TRIES: usize = 2_000;

/// Writes captions.
#[derive(Debug, Clone)]
pub struct Grammar {
    split: Split,
    persons: Vec<Block>,
    looks: Looks,
    frames: Frames,
    languages: Vec<Foreign>,
    emoji: Emoji,
}

impl Grammar {
    /// The grammar of the split.
    pub fn new(split: Split) -> Self {
        let persons = LEXICON.persons.iter();
        let block =
            |phrases: &'static Vec<_>| Block::new(&phrases.iter().collect::<Vec<_>>(), split);
        Self {
            split,
            persons: persons.filter_map(block).collect(),
            looks: Looks::new(split),
            frames: lexicon::frames(split),
            languages: Foreign::all(split),
            emoji: Emoji::new(split),
        }
    }

    /// One caption of a face with these attributes, in any language, most often in English. It says
    /// some of them, from none to most, and nothing that cannot be told; the same state of `rng` gives
    /// the same caption.
    pub fn caption(&self, attributes: &Attributes, rng: &mut impl Rng) -> Caption {
        let language = Language::draw(rng);
        self.caption_in(language, attributes, rng)
    }

    /// As [`Grammar::caption`], in one language.
    pub fn caption_in(
        &self,
        language: Language,
        attributes: &Attributes,
        rng: &mut impl Rng,
    ) -> Caption {
        self.tried(rng, |rng| {
            let foreign = self.languages.iter().find(|it| it.language == language);
            match (foreign, language) {
                (Some(foreign), _) => foreign.compose(attributes, rng),
                (None, Language::Emoji) => self.emoji.compose(attributes, rng),
                _ => {
                    let mood = match rng.random_bool(DENYING_PART) {
                        true => Mood::Denying,
                        false => Mood::Plain,
                    };
                    Composer::new(self, attributes, mood, rng).compose()
                }
            }
        })
    }

    /// A caption in English that says above all what the face does not have.
    pub fn denial(&self, attributes: &Attributes, rng: &mut impl Rng) -> Caption {
        self.tried(rng, |rng| {
            Composer::new(self, attributes, Mood::Denying, rng).compose()
        })
    }

    /// The first caption that has a held-out word if the split asks for one.
    fn tried<R: Rng>(&self, rng: &mut R, write: impl Fn(&mut R) -> Vec<Sentence>) -> Caption {
        let fits = |sentences: &Vec<Sentence>| {
            self.split == Split::Train || sentences.iter().any(|part| part.held_out)
        };
        let written = (0..TRIES).map(|_| write(rng)).find(fits);
        written.unwrap_or_else(|| write(rng)).into()
    }

    /// The roles of the split. A caption uses a role only for a face that may be one, and few
    /// random faces look like a wizard: steer some to each.
    pub fn roles(&self) -> Vec<Role> {
        let of_block = |block: &Block| {
            let says = block.header.says.clone().closed();
            let words = block.words.all().iter();
            words
                .map(|phrase| Role {
                    words: phrase.text,
                    says: says.facts.clone(),
                    likely: says.likely.clone(),
                })
                .collect::<Vec<_>>()
        };
        self.persons
            .iter()
            .filter(|block| block.is_role())
            .flat_map(of_block)
            .collect()
    }
}

#[cfg(test)]
mod tests;
