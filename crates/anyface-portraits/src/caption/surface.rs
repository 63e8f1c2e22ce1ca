//! Spelling: pronouns, numbers, articles and capitals.

use rand::{Rng, RngExt};

use super::Sentence;
use super::compose::Draft;
use super::lexicon::Phrase;
use super::slips::slip;
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
    let drafts = drafts
        .into_iter()
        .map(|draft| fill_slots(draft, referent, rng))
        .collect();
    finish(drafts, style, rng)
}

/// The sentences of drafts without a slot but that of the article.
pub(super) fn finish(drafts: Vec<Draft>, style: Style, rng: &mut impl Rng) -> Vec<Sentence> {
    let plain = style == Style::Phrase && rng.random_bool(0.55);
    let sentence = |draft: Draft| {
        let mut text = articles(&draft.text);
        if !plain {
            text = sentence_case(&text);
        }
        Sentence::new(text, draft.says, draft.held_out)
    };
    let mut sentences: Vec<Sentence> = drafts.into_iter().map(sentence).collect();
    slip(&mut sentences, rng);
    sentences
}

/// Fills in pronouns and numbers, and adds what pronouns and repeated nouns say.
fn fill_slots(draft: Draft, referent: Referent<'_>, rng: &mut impl Rng) -> Draft {
    let Draft {
        text,
        mut says,
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
            says.add(&noun.header.says);
            held_out |= noun.held_out;
        } else if let Some(word) = pronoun(slot, referent.gender) {
            out.push_str(word);
            let gender = referent.gender.map(|male| (Attribute::Male, male));
            says.facts.extend(gender);
        } else {
            out.push('{');
            out.push_str(slot);
            out.push('}');
        }
    }
    out.push_str(rest);
    Draft {
        text: out,
        says,
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
    let silent_h = ["heir", "honest", "hour"];
    let numbers = ["8", "11-", "18-"];
    let text = text.to_lowercase();
    numbers
        .iter()
        .chain(&silent_h)
        .any(|start| text.starts_with(start))
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
