//! The words that captions are made of, read once from the text files in `lexicon/`.
//!
//! `lexicon/looks.txt` explains the form of the files. A tenth of the entries is held out of
//! training, by the hash of the entry, but for entries whose words stand in others, since "beard"
//! cannot be kept from who reads "a full beard", and those that two others make together.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use super::meaning::{Header, closure};
use super::{Language, Split};
use crate::attribute::{Attribute, Degree};

/// From this percentage on, an implication counts as said.
const SURE: u8 = 90;
/// From this percentage on, a denial of the word denies the attribute.
const DENIABLE: u8 = 92;
/// One entry in this number of entries is held out.
const HELD_OUT: u64 = 10;
/// The most words of an entry that is looked for in others.
const MOST_WORDS: usize = 6;

/// The place that a phrase takes in a sentence; `lexicon/looks.txt`, `german.txt` and `emoji.txt`
/// explain each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    Adjective,
    Age,
    Before,
    Is,
    Hair,
    Has,
    Wear,
    Lack,
    Part,
    Noun,
    Kin,
    Name,
    /// What follows "isn't", "hasn't" and "doesn't wear": a phrase of which the opposite is said.
    NotIs,
    NotHas,
    NotWear,
    /// Words for a little and a lot.
    Slightly,
    Very,
    /// Of other languages: persons by grammatical gender, and what is said of them.
    Masculine,
    Feminine,
    Neuter,
    With,
    Does,
    Pronoun,
    Frame,
    /// Emoji.
    Toned,
    Tone,
    HairComponent,
    FaceEmoji,
    Thing,
}

impl Class {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "adj" => Self::Adjective,
            "age" => Self::Age,
            "before" => Self::Before,
            "is" => Self::Is,
            "hair" => Self::Hair,
            "has" => Self::Has,
            "wear" => Self::Wear,
            "lack" => Self::Lack,
            "part" => Self::Part,
            "noun" => Self::Noun,
            "kin" => Self::Kin,
            "name" => Self::Name,
            "slightly" => Self::Slightly,
            "very" => Self::Very,
            "m" => Self::Masculine,
            "f" => Self::Feminine,
            "n" => Self::Neuter,
            "with" => Self::With,
            "does" => Self::Does,
            "pronoun" => Self::Pronoun,
            "frame" => Self::Frame,
            "toned" => Self::Toned,
            "tone" => Self::Tone,
            "component" => Self::HairComponent,
            "face" => Self::FaceEmoji,
            "thing" => Self::Thing,
            _ => return None,
        })
    }

    /// Whether phrases of it stand for a person.
    pub(super) const fn is_person(self) -> bool {
        matches!(
            self,
            Self::Noun | Self::Kin | Self::Name | Self::Masculine | Self::Feminine | Self::Neuter
        )
    }
}

/// Some words with their meaning.
#[derive(Debug, Clone)]
pub(super) struct Phrase {
    pub(super) class: Class,
    pub(super) text: &'static str,
    pub(super) header: Arc<Header>,
    pub(super) held_out: bool,
}

/// A sentence, or a part of one, with slots for phrases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) text: &'static str,
    pub(super) held_out: bool,
}

/// Every frame, by its place in the caption.
#[derive(Debug, Clone)]
pub(super) struct Frames {
    pub(super) opening: Vec<Frame>,
    pub(super) keywords: Vec<Frame>,
    pub(super) tail: Vec<Frame>,
    pub(super) sentence: Vec<Frame>,
}

/// All words.
pub(super) struct Lexicon {
    /// Words for persons, each block of one meaning.
    pub(super) persons: Vec<Vec<Phrase>>,
    /// Words for looks.
    pub(super) looks: Vec<Phrase>,
    pub(super) emoji: Vec<Phrase>,
    pub(super) languages: Vec<(Language, Vec<Phrase>)>,
}

/// The files, read once.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::read);

const PERSONS: &str = include_str!("../../lexicon/persons.txt");
const LOOKS: [&str; 4] = [
    include_str!("../../lexicon/looks.txt"),
    include_str!("../../lexicon/states.txt"),
    include_str!("../../lexicon/styles.txt"),
    include_str!("../../lexicon/degrees.txt"),
];
const EMOJI: &str = include_str!("../../lexicon/emoji.txt");
const LANGUAGES: [(Language, &str); 5] = [
    (Language::German, include_str!("../../lexicon/german.txt")),
    (Language::French, include_str!("../../lexicon/french.txt")),
    (Language::Spanish, include_str!("../../lexicon/spanish.txt")),
    (Language::Italian, include_str!("../../lexicon/italian.txt")),
    (
        Language::Portuguese,
        include_str!("../../lexicon/portuguese.txt"),
    ),
];
const FRAMES: &str = include_str!("../../lexicon/frames.txt");

impl Lexicon {
    fn read() -> Self {
        let mut lexicon = Self {
            persons: phrases(PERSONS),
            looks: LOOKS.into_iter().flat_map(phrases).flatten().collect(),
            emoji: phrases(EMOJI).concat(),
            languages: LANGUAGES
                .into_iter()
                .map(|(language, file)| (language, phrases(file).concat()))
                .collect(),
        };
        let basic = {
            let persons = lexicon.persons.iter().flatten();
            let foreign = lexicon.languages.iter().flat_map(|(_, phrases)| phrases);
            contained(persons.chain(&lexicon.looks).chain(foreign))
        };
        let all = lexicon
            .persons
            .iter_mut()
            .flatten()
            .chain(&mut lexicon.looks)
            .chain(&mut lexicon.emoji)
            .chain(lexicon.languages.iter_mut().flat_map(|(_, it)| it));
        let mut all: Vec<&mut Phrase> = all.filter(|it| it.class != Class::Pronoun).collect();
        let entries: HashSet<String> = all.iter().map(|phrase| entry(phrase.text)).collect();
        for phrase in &mut all {
            let entry = entry(phrase.text);
            let is_drawn = fnv1a(entry.as_bytes()).is_multiple_of(HELD_OUT);
            phrase.held_out = is_drawn && !basic.contains(&entry) && !is_made_of(&entry, &entries);
        }
        lexicon
    }
}

/// The frames that the split may use.
pub(super) fn frames(split: Split) -> Frames {
    let of = |section: &str| -> Vec<Frame> {
        blocks(FRAMES)
            .filter(|(header, _)| *header == section)
            .flat_map(|(_, lines)| lines)
            .map(|line| {
                let bare = line.strip_prefix('*');
                let (text, held_out) = (bare.unwrap_or(line), bare.is_some());
                Frame { text, held_out }
            })
            .filter(|frame| split.allows(frame.held_out))
            .collect()
    };
    Frames {
        opening: of("opening"),
        keywords: of("keywords"),
        tail: of("tail"),
        sentence: of("sentence"),
    }
}

/// The phrases of a file, block by block.
fn phrases(file: &'static str) -> Vec<Vec<Phrase>> {
    let block = |(header, lines): (&'static str, Vec<&'static str>)| {
        let header = Arc::new(Header::read(header));
        let phrase = |line: &'static str| {
            let (class, texts) = line.split_once(' ').expect("a class and its phrases");
            let class = Class::from_name(class).unwrap_or_else(|| panic!("no class: {line}"));
            let header = header.clone();
            texts.split('|').map(move |text| Phrase {
                class,
                text: text.trim(),
                header: header.clone(),
                held_out: false,
            })
        };
        lines.into_iter().flat_map(phrase).collect()
    };
    blocks(file).map(block).collect()
}

/// The blocks of a file: each header with the indented lines below it, all trimmed.
fn blocks(file: &'static str) -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let mut lines = file
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .peekable();
    std::iter::from_fn(move || {
        let header = lines.next()?;
        let mut below = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with(' ')) {
            below.push(line.trim());
        }
        Some((header, below))
    })
}

impl Header {
    /// Reads `+Male:85 -Child ~Bald @crown`; a header of the files inside always reads.
    fn read(line: &'static str) -> Self {
        let mut header = Self::default();
        let mut sureness = Vec::new();
        for literal in line.split_whitespace().filter(|&word| word != "-") {
            let (sign, rest) = literal.split_at(1);
            if sign == "@" {
                header.wanted = Some(rest);
                continue;
            }
            let (rest, degree) = match rest.split_once('=') {
                Some((rest, degree)) => (rest, Degree::from_name(degree)),
                None => (rest, None),
            };
            let (name, percent) = match rest.split_once(':') {
                Some((name, percent)) => (name, percent.parse().expect("a percentage")),
                None => (rest, 100),
            };
            let attribute = Attribute::from_name(name)
                .unwrap_or_else(|| panic!("no attribute: {literal} in {line}"));
            header.says.degrees.extend(degree.map(|it| (attribute, it)));
            match (sign, degree) {
                ("~", _) => header.unless.push(attribute),
                (_, Some(Degree::Slight)) => {}
                _ => {
                    let fact = (attribute, sign == "+");
                    sureness.push((fact, percent));
                    match percent >= SURE {
                        true => header.says.facts.push(fact),
                        false => header.says.likely.push((fact, percent)),
                    }
                }
            }
        }
        header.closure = closure(&header.says.facts);
        header.deniable = header.core(&sureness);
        header
    }

    /// The one attribute that is there by these words, with nothing beside it but what it entails.
    fn core(&self, sureness: &[((Attribute, bool), u8)]) -> Option<Attribute> {
        let facts = &self.says.facts;
        let by_others = |fact: &(Attribute, bool)| {
            let others = facts.iter().filter(|it| *it != fact);
            others
                .into_iter()
                .any(|other| closure(&[*other]).contains(fact))
        };
        let mut cores = facts.iter().filter(|fact| !by_others(fact));
        let (core, more) = (cores.next()?, cores.next());
        let needed = match core.0 {
            Attribute::Male => 100,
            _ => DENIABLE,
        };
        let is_sure = sureness.contains(&(*core, 100))
            || sureness
                .iter()
                .any(|(fact, percent)| fact == core && *percent >= needed);
        let is_plain = more.is_none() && core.1 && is_sure && self.says.degrees.is_empty();
        is_plain.then_some(core.0)
    }
}

/// The words of an entry without what leads or fills them: "a beard on {his} chin" is "beard on
/// chin".
pub(super) fn entry(text: &str) -> String {
    let text = text.to_lowercase();
    let mut words = words(&text);
    if words
        .first()
        .is_some_and(|word| ["a", "an", "the", "any"].contains(word))
        && words.len() > 1
    {
        words.remove(0);
    }
    words.join(" ")
}

/// The words of a text, slots left out.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || ",;/".contains(c))
        .filter(|word| !word.is_empty() && !word.contains('{'))
        .collect()
}

/// All runs of words that stand in an entry and are not the whole of it.
fn contained<'a>(phrases: impl Iterator<Item = &'a Phrase>) -> HashSet<String> {
    let mut runs = HashSet::new();
    for phrase in phrases {
        let whole = entry(phrase.text);
        let words = words(&whole);
        for length in 1..=words.len().min(MOST_WORDS) {
            let inner = words.windows(length).map(|run| run.join(" "));
            runs.extend(inner.filter(|run| *run != whole));
        }
    }
    runs
}

/// Whether two entries beside each other read like this one: "old" and "lady".
fn is_made_of(entry: &str, entries: &HashSet<String>) -> bool {
    let mut cuts = entry.match_indices(' ');
    cuts.any(|(at, _)| entries.contains(&entry[..at]) && entries.contains(&entry[at + 1..]))
}

/// The hash of Fowler, Noll and Vo, 64 bits, variant 1a.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
