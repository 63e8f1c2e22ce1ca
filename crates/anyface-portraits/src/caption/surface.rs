//! Spelling: pronouns, numbers, articles, capitals, and the slips of those who type.

use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, RngExt};

use super::Sentence;
use super::compose::Draft;
use super::lexicon::Phrase;
use super::meaning::closure;
use crate::attribute::Attribute;

/// Whom the pronouns of a caption stand for.
#[derive(Clone, Copy)]
pub(super) struct Referent<'a> {
    /// Male, female, or not told.
    pub(super) gender: Option<bool>,
    /// The noun that introduced the person, if one did.
    pub(super) noun: Option<&'a Phrase>,
}

/// How a caption is punctuated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A phrase may go without capital and stop.
    Phrase,
    /// Sentences have both.
    Sentences,
}

/// The finished sentences.
pub(super) fn spell(
    drafts: Vec<Draft>,
    style: Style,
    referent: Referent<'_>,
    rng: &mut impl Rng,
) -> Vec<Sentence> {
    let plain = style == Style::Phrase && rng.random_bool(0.55);
    let mut sentences: Vec<Sentence> = drafts
        .into_iter()
        .map(|draft| {
            let mut draft = fill_slots(draft, referent, rng);
            draft.text = articles(&draft.text);
            if !plain {
                draft.text = sentence_case(&draft.text);
            }
            Sentence {
                text: draft.text,
                said: closure(&draft.said),
                held_out: draft.held_out,
            }
        })
        .collect();
    slips(&mut sentences, rng);
    sentences
}

/// Fills in pronouns and numbers, and adds what pronouns and repeated nouns say.
fn fill_slots(draft: Draft, referent: Referent<'_>, rng: &mut impl Rng) -> Draft {
    let Draft {
        text,
        mut said,
        mut held_out,
    } = draft;
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, after) = after.split_once('}').expect("every slot is closed");
        out.push_str(before);
        rest = after;
        let by_noun = slot == "he" && (referent.gender.is_none() || rng.random_bool(0.15));
        if let Some((low, high)) = slot.split_once('-') {
            let bound = |text: &str| text.parse::<u32>().expect("a bound of a range");
            out.push_str(&rng.random_range(bound(low)..=bound(high)).to_string());
        } else if let (true, Some(noun)) = (by_noun, referent.noun) {
            out.push_str("the ");
            out.push_str(noun.text);
            said.extend(&noun.meaning);
            held_out |= noun.held_out;
        } else if let Some(word) = pronoun(slot, referent.gender) {
            out.push_str(word);
            said.extend(referent.gender.map(|male| (Attribute::Male, male)));
        } else {
            out.push('{');
            out.push_str(slot);
            out.push('}');
        }
    }
    out.push_str(rest);
    Draft {
        text: out,
        said,
        held_out,
    }
}

fn pronoun(slot: &str, male: Option<bool>) -> Option<&'static str> {
    Some(match (slot, male) {
        ("he", Some(true)) => "he",
        ("he", Some(false)) => "she",
        ("he", None) => "this person",
        ("his", Some(true)) => "his",
        ("his" | "him", Some(false)) => "her",
        ("his", None) => "their",
        ("him", Some(true)) => "him",
        ("him", None) => "them",
        _ => return None,
    })
}

/// Writes "a" or "an" for each `{a}`, by the sound of the next word.
fn articles(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{a}") {
        out.push_str(before);
        out.push_str(if starts_with_vowel(after.trim_start()) {
            "an"
        } else {
            "a"
        });
        rest = after;
    }
    out + rest
}

/// Whether the text is spoken with a vowel first.
fn starts_with_vowel(text: &str) -> bool {
    let silent_or_glide = ["uni", "use", "eu", "one"];
    let numbers = ["8", "11-", "18-"];
    let text = text.to_lowercase();
    numbers.iter().any(|number| text.starts_with(number))
        || (text.starts_with(['a', 'e', 'i', 'o', 'u'])
            && !silent_or_glide.iter().any(|start| text.starts_with(start)))
}

/// A capital first and a stop last.
fn sentence_case(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    let stop = if sentence.ends_with('?') { "" } else { "." };
    first + chars.as_str() + stop
}

/// One caption in nine is typed carelessly: in one case, without its last stop, or with a typo.
fn slips(sentences: &mut [Sentence], rng: &mut impl Rng) {
    let texts = sentences.iter_mut().map(|sentence| &mut sentence.text);
    match rng.random_range(0..100) {
        0..4 => texts.for_each(|text| *text = text.to_lowercase()),
        4..5 => texts.for_each(|text| *text = text.to_uppercase()),
        5..8 => texts
            .last()
            .into_iter()
            .for_each(|text| text.truncate(text.trim_end_matches('.').len())),
        8..11 => texts.choose(rng).into_iter().for_each(|text| {
            *text = typo(text, rng);
        }),
        _ => {}
    }
}

/// Swaps two inner letters of one longer word.
fn typo(text: &str, rng: &mut impl Rng) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let inner = |window: &[char]| window.iter().all(|c| c.is_ascii_lowercase());
    let places: Vec<usize> = letters
        .windows(5)
        .enumerate()
        .filter(|(_, w)| inner(w))
        .map(|(at, _)| at + 1)
        .collect();
    if let Some(&at) = places.choose(rng) {
        letters.swap(at, at + 1);
    }
    letters.into_iter().collect()
}

/// "a", "a and b", "a, b and c", with or without the comma before the last.
pub(super) fn join(texts: &[impl AsRef<str>], word: &str, rng: &mut impl Rng) -> String {
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    match texts.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first, second] => format!("{first} {word} {second}"),
        [most @ .., last] => {
            let comma = if rng.random_bool(0.4) { "," } else { "" };
            format!("{}{comma} {word} {last}", most.join(", "))
        }
    }
}

/// The phrase without the word that leads it: "a beard" is "beard", "any freckles" "freckles".
pub(super) fn bare(phrase: &str) -> &str {
    ["a ", "an ", "any ", "{his} "]
        .iter()
        .find_map(|lead| phrase.strip_prefix(lead))
        .unwrap_or(phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_follow_the_sound() {
        let cases = [
            ("{a} old man", "an old man"),
            ("{a} 8-year-old boy", "an 8-year-old boy"),
            ("{a} 70-year-old", "a 70-year-old"),
            ("{a} unhappy elder", "an unhappy elder"),
            ("{a} unicorn", "a unicorn"),
            ("{a} Irish {a} man", "an Irish a man"),
        ];
        for (slots, words) in cases {
            assert_eq!(articles(slots), words);
        }
    }
}
