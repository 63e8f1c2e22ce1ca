//! Splitting of text into sentences. A text tower reads one sentence at a time.

use unicode_segmentation::UnicodeSegmentation;

/// Splits `text` into its sentences, in order. Sentences that do not satisfy `fits` are split into
/// runs of words, or of letters. Parts are trimmed and never empty; a text without inner
/// punctuation is one part.
///
/// `fits` must hold for a single letter and for any shorter part of a part that fits.
pub fn split_sentences(text: &str, fits: impl Fn(&str) -> bool) -> Vec<&str> {
    sentences(text)
        .flat_map(|sentence| split_at(sentence, str::split_word_bound_indices, &fits))
        .flat_map(|run| split_at(run, |word| word.grapheme_indices(true), &fits))
        .collect()
}

/// The sentences with the surrounding white space. Unlike Unicode sentences, they may start with a
/// lower-case letter, and do not end at "Mr." or a line break.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let words = rest.split_inclusive(|c: char| c.is_whitespace() || WIDE_STOPS.contains(&c));
        let mut end = 0;
        for word in words {
            end += word.len();
            if ends_sentence(word.trim_end()) {
                break;
            }
        }
        let (sentence, after) = rest.split_at(end);
        rest = after;
        Some(sentence).filter(|sentence| !sentence.is_empty())
    })
}

/// Full stops that need no space after them.
const WIDE_STOPS: [char; 3] = ['。', '！', '？'];
const STOPS: [char; 4] = ['.', '!', '?', '…'];
/// Characters allowed between a stop and the space.
const CLOSERS: [char; 7] = ['"', '\'', ')', ']', '”', '’', '»'];
/// Abbreviations with a full stop.
const ABBREVIATIONS: [&str; 10] = [
    "mr", "mrs", "ms", "dr", "st", "prof", "jr", "sr", "e.g", "i.e",
];

/// Whether a word ends a sentence: it has a stop that does not belong to an initial or an
/// abbreviation.
fn ends_sentence(word: &str) -> bool {
    let word = word.trim_end_matches(CLOSERS);
    if word.ends_with(WIDE_STOPS) {
        return true;
    }
    let bare = word.trim_end_matches(STOPS);
    let initial = bare.chars().count() == 1 && bare.chars().all(char::is_uppercase);
    let abbreviated = word.ends_with('.')
        && (initial || ABBREVIATIONS.iter().any(|it| bare.eq_ignore_ascii_case(it)));
    bare != word && !abbreviated
}

/// Greedily groups units into the fewest runs that fit. A unit that does not fit is its own run.
fn split_at<'a, I>(
    text: &'a str,
    units: impl Fn(&'a str) -> I,
    fits: &impl Fn(&str) -> bool,
) -> Vec<&'a str>
where
    I: Iterator<Item = (usize, &'a str)>,
{
    if fits(text.trim()) {
        return Some(text.trim())
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect();
    }
    let ends: Vec<usize> = units(text)
        .map(|(start, unit)| start + unit.len())
        .collect();
    let mut runs = Vec::new();
    let mut start = 0;
    let mut next = 0;
    while next < ends.len() {
        // Runs are short compared with the text, so this tries doubling lengths before searching
        // for the longest that fits.
        let fitting = |count: usize| fits(text[start..ends[next + count - 1]].trim());
        let left = ends.len() - next;
        let mut bound = 1;
        while bound < left && fitting(bound) {
            bound = (bound * 2).min(left);
        }
        let lengths: Vec<usize> = (1..=bound).collect();
        let count = lengths.partition_point(|&count| fitting(count)).max(1);
        let end = ends[next + count - 1];
        runs.push(text[start..end].trim());
        (start, next) = (end, next + count);
    }
    runs.retain(|run| !run.is_empty());
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_sentence_is_a_part() {
        let cases: [(&str, &[&str]); 9] = [
            (" Old. Very old. ", &["Old.", "Very old."]),
            (
                "an old man. his beard is white",
                &["an old man.", "his beard is white"],
            ),
            (
                "old man, white beard, knitted cap",
                &["old man, white beard, knitted cap"],
            ),
            (
                "Can you draw Mr. J. Smith? He is\n5.",
                &["Can you draw Mr. J. Smith?", "He is\n5."],
            ),
            (
                "“Ho, ho, ho!” A man in red...",
                &["“Ho, ho, ho!”", "A man in red..."],
            ),
            (
                "Elle est vieille ! Une sorcière.",
                &["Elle est vieille !", "Une sorcière."],
            ),
            ("老人。白いひげ。", &["老人。", "白いひげ。"]),
            ("a 2.5-year-old; 5 o'clock", &["a 2.5-year-old; 5 o'clock"]),
            (" \n ", &[]),
        ];
        for (text, parts) in cases {
            assert_eq!(split_sentences(text, |_| true), parts);
        }
    }

    #[test]
    fn sentences_come_before_words_and_words_before_letters() {
        let parts = split_sentences("Old man. He has grey hair! Supercalifragilistic", |part| {
            part.len() <= 12
        });
        assert_eq!(
            parts,
            [
                "Old man.",
                "He has grey",
                "hair!",
                "Supercalifra",
                "gilistic"
            ]
        );
    }

    proptest! {
        #[test]
        fn every_part_fits_and_no_letter_is_lost(
            text in "[a-z .!?é一🧙\n]{0,300}", limit in 4usize..40,
        ) {
            let parts = split_sentences(&text, |part| part.len() <= limit);
            prop_assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= limit));
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(letters(&parts.concat()), letters(&text));
        }
    }
}
