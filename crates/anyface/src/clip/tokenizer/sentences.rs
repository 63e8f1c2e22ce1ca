//! Cutting text that is too long for a text tower into captions of their own.

use unicode_segmentation::UnicodeSegmentation;

/// Cuts `text` into parts that all `fit`, in order: sentences where they fit, else runs of words, else runs of
/// letters. Text that fits is one part; parts are trimmed and never empty.
///
/// `fits` must hold for a single letter and for any shorter part of what fits.
pub fn split_sentences(text: &str, fits: impl Fn(&str) -> bool) -> Vec<&str> {
    let text = text.trim();
    if text.is_empty() {
        return Vec::new();
    }
    if fits(text) {
        return vec![text];
    }
    text.split_sentence_bounds()
        .flat_map(|sentence| split_at(sentence, str::split_word_bound_indices, &fits))
        .flat_map(|run| split_at(run, |word| word.grapheme_indices(true), &fits))
        .collect()
}

/// The fewest runs of units that fit, taken greedily; a unit that does not fit is a run of its own.
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
        // Runs are short beside the text, so the longest that fits is sought among the next few lengths, doubling.
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
    fn text_that_fits_stays_whole() {
        assert_eq!(
            split_sentences(" Old. Very old. ", |_| true),
            ["Old. Very old."]
        );
        assert!(split_sentences(" \n ", |_| true).is_empty());
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
        fn every_part_fits_and_no_letter_is_lost(text in "[a-z .!?é一🧙\n]{0,300}", limit in 4usize..40) {
            let parts = split_sentences(&text, |part| part.len() <= limit);
            prop_assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= limit));
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(letters(&parts.concat()), letters(&text));
        }
    }
}
