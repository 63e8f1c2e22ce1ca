//! Captions in other languages: plain frames and phrase lists.

use rand::{Rng, RngExt};

use super::compose::Draft;
use super::lexicon::{Class, LEXICON, Phrase};
use super::meaning::Says;
use super::persons::{self, Block};
use super::pool::Pool;
use super::surface::{self, Style};
use super::{Language, Sentence, Split};
use crate::attribute::{Attribute, Attributes};

/// Frames that are tried before the person alone is named.
const TRIES: usize = 8;
/// What says only what is absent is said so much less often.
const ABSENT_PART: f64 = 0.5;

/// The words of one language that a split may use.
#[derive(Debug, Clone)]
pub(super) struct Foreign {
    pub(super) language: Language,
    persons: Vec<Block>,
    with: Pool,
    is: Pool,
    does: Pool,
    frames: Pool,
    /// For a masculine, a feminine and a neuter word.
    pronouns: [&'static str; 3],
}

impl Foreign {
    /// Those of all languages of the lexicon.
    pub(super) fn all(split: Split) -> Vec<Self> {
        let languages = LEXICON.languages.iter();
        languages
            .map(|(language, phrases)| Self::new(*language, phrases, split))
            .collect()
    }

    fn new(language: Language, phrases: &'static [Phrase], split: Split) -> Self {
        let of = |class: Class| {
            let phrases = phrases.iter().filter(move |phrase| phrase.class == class);
            Pool::new(phrases, split)
        };
        let persons: Vec<&Phrase> = phrases.iter().filter(|it| it.class.is_person()).collect();
        let blocks = persons.chunk_by(|a, b| std::ptr::eq(&*a.header, &*b.header));
        let pronouns = of(Class::Pronoun);
        let pronoun = |place: usize| pronouns.all()[place].text;
        Self {
            language,
            persons: blocks
                .filter_map(|block| Block::new(block, split))
                .collect(),
            with: of(Class::With),
            is: of(Class::Is),
            does: of(Class::Does),
            frames: of(Class::Frame),
            pronouns: [pronoun(0), pronoun(1), pronoun(2)],
        }
    }

    /// The sentences of a caption.
    pub(super) fn compose(&self, face: &Attributes, rng: &mut impl Rng) -> Vec<Sentence> {
        let person = persons::choose(self.persons.iter(), face, rng);
        let person = person.expect("words for anybody fit everybody");
        let drafts = (0..TRIES).find_map(|_| {
            let frame = self.frames.any(rng)?;
            self.fill(frame, person, face, rng)
        });
        let drafts = drafts.unwrap_or_else(|| {
            vec![Draft {
                text: person.text.to_owned(),
                says: person.header.says.clone(),
                held_out: person.held_out,
            }]
        });
        let style = match drafts.len() {
            1 => Style::Phrase,
            _ => Style::Sentences,
        };
        surface::finish(drafts, style, rng)
    }

    /// The sentences of a frame; `None` where nothing can be said in one of its slots.
    fn fill(
        &self,
        frame: &Phrase,
        person: &Phrase,
        face: &Attributes,
        rng: &mut impl Rng,
    ) -> Option<Vec<Draft>> {
        // What the person is called says as much, named in a sentence or not.
        let mut said = person.header.says.clone().closed();
        let sentences = frame.text.split(". ");
        sentences
            .map(|sentence| {
                let mut draft = Draft {
                    text: String::new(),
                    says: Says::default(),
                    held_out: frame.held_out,
                };
                let mut rest = sentence;
                while let Some((before, after)) = rest.split_once('{') {
                    let (slot, after) = after.split_once('}')?;
                    rest = after;
                    draft.text.push_str(before);
                    self.put(slot, person, face, &mut said, &mut draft, rng)?;
                }
                draft.text.push_str(rest);
                Some(draft)
            })
            .collect()
    }

    /// Puts words into a slot; `None` where there are none.
    fn put(
        &self,
        slot: &str,
        person: &Phrase,
        face: &Attributes,
        said: &mut Says,
        draft: &mut Draft,
        rng: &mut impl Rng,
    ) -> Option<()> {
        let pool = match slot {
            "person" => {
                draft.text.push_str(person.text);
                draft.says.add(&person.header.says);
                draft.held_out |= person.held_out;
                return Some(());
            }
            "he" => {
                draft.text.push_str(self.pronoun(person.class));
                let gender = |fact: &&(Attribute, bool)| fact.0 == Attribute::Male;
                let facts = person.header.says.facts.iter();
                draft.says.facts.extend(facts.filter(gender));
                return Some(());
            }
            "with" => &self.with,
            "is" => &self.is,
            _ => &self.does,
        };
        let phrase = pool.draw(face, said, rng)?;
        let is_absent = phrase.header.says.facts.iter().all(|&(_, state)| !state);
        if is_absent && !rng.random_bool(ABSENT_PART) {
            return None;
        }
        said.add(&Says {
            facts: phrase.header.closure.clone(),
            ..phrase.header.says.clone()
        });
        draft.says.add(&phrase.header.says);
        draft.held_out |= phrase.held_out;
        match phrase.text.split_once('/') {
            None => draft.text.push_str(phrase.text),
            Some((masculine, feminine)) if draft.text.is_empty() => {
                // Of nobody who has been named: the form tells the gender.
                let male = face.get(Attribute::Male)?;
                draft.text.push_str(if male { masculine } else { feminine });
                draft.says.facts.push((Attribute::Male, male));
            }
            Some((masculine, feminine)) => draft.text.push_str(match person.class {
                Class::Feminine => feminine,
                _ => masculine,
            }),
        }
        Some(())
    }

    fn pronoun(&self, class: Class) -> &'static str {
        self.pronouns[match class {
            Class::Feminine => 1,
            Class::Neuter => 2,
            _ => 0,
        }]
    }
}
