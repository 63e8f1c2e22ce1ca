//! Spelling: pronouns, numbers, articles, capitals, and the slips of those who type.

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};

/// Whom the pronouns of a caption stand for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Referent {
    /// Male, female, or not told.
    pub(super) gender: Option<bool>,
    /// The noun that introduced the person, if one did.
    pub(super) noun: Option<&'static str>,
}

/// How a caption is punctuated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// A phrase may go without capital and stop.
    Phrase,
    /// Sentences have both.
    Sentences,
}

/// The finished text, and whether a pronoun in it tells the gender.
pub(super) fn spell(
    sentences: &[String],
    style: Style,
    referent: Referent,
    rng: &mut impl Rng,
) -> (String, bool) {
    let mut tells_gender = false;
    let mut spelled: Vec<String> = sentences
        .iter()
        .map(|sentence| {
            let (text, pronouns) = fill_slots(sentence, referent, rng);
            tells_gender |= pronouns && referent.gender.is_some();
            articles(&text)
        })
        .collect();
    let plain = style == Style::Phrase && rng.random_bool(0.55);
    if !plain {
        spelled = spelled
            .iter()
            .map(|sentence| sentence_case(sentence))
            .collect();
    }
    (slips(spelled.join(" "), rng), tells_gender)
}

/// Fills in pronouns and numbers; tells whether any gendered word was written.
fn fill_slots(text: &str, referent: Referent, rng: &mut impl Rng) -> (String, bool) {
    let mut out = String::new();
    let mut gendered = false;
    let mut rest = text;
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
            out.push_str(noun);
        } else if let Some(word) = pronoun(slot, referent.gender) {
            out.push_str(word);
            gendered = true;
        } else {
            out.push('{');
            out.push_str(slot);
            out.push('}');
        }
    }
    out.push_str(rest);
    (out, gendered)
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

/// One caption in nine is typed carelessly: in one case, without its stop, or with a typo.
fn slips(text: String, rng: &mut impl Rng) -> String {
    match rng.random_range(0..100) {
        0..4 => text.to_lowercase(),
        4..5 => text.to_uppercase(),
        5..8 => text.trim_end_matches('.').to_owned(),
        8..11 => typo(&text, rng),
        _ => text,
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
