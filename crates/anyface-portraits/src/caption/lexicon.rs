//! The phrases and sentence frames that captions are made of, read from the text files beside this.

use crate::attribute::Attribute;

use super::Split;

/// What a caption says: attributes and whether each is there.
pub(super) type Meaning = Vec<(Attribute, bool)>;

/// The place that a phrase takes in a sentence; `looks.txt` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            _ => return None,
        })
    }
}

/// Some words with their meaning.
#[derive(Debug, Clone)]
pub(super) struct Phrase {
    pub(super) class: Class,
    pub(super) text: &'static str,
    pub(super) meaning: Meaning,
    /// Attributes of which a face that clearly has them is not described by this phrase.
    pub(super) unless: Vec<Attribute>,
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

/// The phrases for looks that the split may use.
pub(super) fn looks(split: Split) -> Vec<Phrase> {
    phrases(include_str!("looks.txt"), split)
}

/// The phrases for persons that the split may use, each a noun, kin or name.
pub(super) fn people(split: Split) -> Vec<Phrase> {
    phrases(include_str!("people.txt"), split)
}

/// The frames that the split may use.
pub(super) fn frames(split: Split) -> Frames {
    let of = |section: &str| -> Vec<Frame> {
        blocks(include_str!("frames.txt"))
            .filter(|(header, _)| *header == section)
            .flat_map(|(_, lines)| lines)
            .map(mark)
            .filter(|(_, held_out)| split.allows(*held_out))
            .map(|(text, held_out)| Frame { text, held_out })
            .collect()
    };
    Frames {
        opening: of("opening"),
        keywords: of("keywords"),
        tail: of("tail"),
        sentence: of("sentence"),
    }
}

fn phrases(file: &'static str, split: Split) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    for (header, lines) in blocks(file) {
        let (meaning, unless) = literals(header);
        for line in lines {
            let (class, texts) = line.split_once(' ').expect("a class and its phrases");
            let class = Class::from_name(class).expect("the name of a class");
            for (text, held_out) in texts.split('|').map(str::trim).map(mark) {
                if split.allows(held_out) {
                    let (meaning, unless) = (meaning.clone(), unless.clone());
                    phrases.push(Phrase {
                        class,
                        text,
                        meaning,
                        unless,
                        held_out,
                    });
                }
            }
        }
    }
    phrases
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

/// Splits the mark of the held-out from the text.
fn mark(text: &'static str) -> (&'static str, bool) {
    text.strip_prefix('*')
        .map_or((text, false), |text| (text, true))
}

/// Reads a header: what it says, and what a face must not have.
fn literals(header: &str) -> (Meaning, Vec<Attribute>) {
    let mut meaning = Vec::new();
    let mut unless = Vec::new();
    for literal in header.split_whitespace().filter(|&word| word != "-") {
        let (sign, name) = literal.split_at(1);
        let attribute = Attribute::from_name(name).expect("the name of an attribute");
        match sign {
            "~" => unless.push(attribute),
            _ => meaning.push((attribute, sign == "+")),
        }
    }
    (meaning, unless)
}
