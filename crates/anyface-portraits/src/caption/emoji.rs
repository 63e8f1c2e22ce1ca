//! Captions in emoji: people with skin tones and hair, faces, and things that they wear.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

use super::compose::Draft;
use super::lexicon::{Class, LEXICON, Phrase};
use super::meaning::Says;
use super::persons::{self, Block};
use super::pool::Pool;
use super::surface::{self, Style};
use super::{Sentence, Split};
use crate::attribute::Attributes;

/// What joins a person and a component of hair.
const JOINER: char = '\u{200d}';
/// Asks for an emoji's picture, not for its letter.
const EMOJI_STYLE: char = '\u{fe0f}';
/// Those that take a component of hair.
const WITH_HAIR: [&str; 3] = ["👨", "👩", "🧑"];
/// The most things beside a person.
const MOST_THINGS: usize = 3;
/// Sentences around emoji.
const FRAMES: [&str; 10] = [
    "{}",
    "{}",
    "{}",
    "{}",
    "draw {}",
    "a portrait of {}",
    "{} please",
    "{} portrait",
    "a face like {}",
    "show me {}",
];

/// The emoji that a split may use.
#[derive(Debug, Clone)]
pub(super) struct Emoji {
    persons: Vec<Block>,
    tones: Pool,
    hair: Pool,
    faces: Pool,
    things: Pool,
}

impl Emoji {
    pub(super) fn new(split: Split) -> Self {
        let of = |class: Class| {
            let emoji = LEXICON.emoji.iter();
            emoji.filter(move |phrase| phrase.class == class)
        };
        let persons: Vec<&Phrase> = of(Class::Toned).collect();
        let blocks = persons.chunk_by(|a, b| std::ptr::eq(&*a.header, &*b.header));
        Self {
            persons: blocks
                .filter_map(|block| Block::new(block, split))
                .collect(),
            tones: Pool::new(of(Class::Tone), split),
            hair: Pool::new(of(Class::HairComponent), split),
            faces: Pool::new(of(Class::FaceEmoji), split),
            things: Pool::new(of(Class::Thing), split),
        }
    }

    /// The one sentence of a caption.
    pub(super) fn compose(&self, face: &Attributes, rng: &mut impl Rng) -> Vec<Sentence> {
        let mut draft = Draft {
            text: String::new(),
            says: Says::default(),
            held_out: false,
        };
        let person = persons::choose(self.persons.iter(), face, rng);
        let mut signs: Vec<String> = Vec::new();
        if let Some(person) = person.filter(|_| rng.random_bool(0.85)) {
            signs.push(self.person(person, face, &mut draft, rng));
        }
        let faces = usize::from(rng.random_bool(0.5));
        let things = rng.random_range(0..=MOST_THINGS);
        for (pool, count) in [(&self.faces, faces), (&self.things, things)] {
            for _ in 0..count {
                signs.extend(said(pool, face, &mut draft, rng));
            }
        }
        if signs.is_empty() {
            signs.push("👤".to_owned());
        }
        let between = if rng.random_bool(0.6) { "" } else { " " };
        let frame = FRAMES.choose(rng).expect("some");
        draft.text = frame.replace("{}", &signs.join(between));
        surface::finish(vec![draft], Style::Phrase, rng)
    }

    /// A person with a tone of skin and a component of hair, where the face has one.
    fn person(
        &self,
        person: &Phrase,
        face: &Attributes,
        draft: &mut Draft,
        rng: &mut impl Rng,
    ) -> String {
        draft.says.add(&person.header.says);
        draft.held_out |= person.held_out;
        let mut letters = person.text.chars();
        let mut sign: String = letters.next().into_iter().collect();
        let tone = rng
            .random_bool(0.6)
            .then(|| said(&self.tones, face, draft, rng));
        let rest = letters.as_str();
        if let Some(tone) = tone.flatten() {
            sign.push_str(&tone);
            sign.push_str(rest.trim_start_matches(EMOJI_STYLE));
        } else {
            sign.push_str(rest);
        }
        if WITH_HAIR.contains(&person.text)
            && rng.random_bool(0.5)
            && let Some(hair) = said(&self.hair, face, draft, rng)
        {
            sign.push(JOINER);
            sign.push_str(&hair);
        }
        sign
    }
}

/// A sign that fits the face and says something new.
fn said(pool: &Pool, face: &Attributes, draft: &mut Draft, rng: &mut impl Rng) -> Option<String> {
    let known = draft.says.clone().closed();
    let phrase = pool.draw(face, &known, rng)?;
    draft.says.add(&phrase.header.says);
    draft.held_out |= phrase.held_out;
    Some(phrase.text.to_owned())
}
