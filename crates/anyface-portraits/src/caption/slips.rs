//! What those who type do wrong: one case, no last stop, no apostrophes, misspelt words.

use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, RngExt};

use super::Sentence;

/// A word with fewer letters is not misspelt.
const FEWEST_LETTERS: usize = 4;
/// Letters that lie beside each other on a keyboard.
const ROWS: [&str; 3] = ["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// One caption in five is typed carelessly.
pub(super) fn slip(sentences: &mut [Sentence], rng: &mut impl Rng) {
    let texts = sentences.iter_mut().map(|sentence| &mut sentence.text);
    match rng.random_range(0..100) {
        0..4 => texts.for_each(|text| *text = text.to_lowercase()),
        4..5 => texts.for_each(|text| *text = text.to_uppercase()),
        5..8 => texts
            .last()
            .into_iter()
            .for_each(|text| text.truncate(text.trim_end_matches('.').len())),
        8..10 => texts.for_each(|text| *text = text.replace('\'', "")),
        10..20 => {
            let count = rng.random_range(1..=2);
            for text in texts.sample(rng, count) {
                *text = misspell(text, rng);
            }
        }
        _ => {}
    }
}

/// Misspells one longer word of a text. Its first and its last letter stay, as they mostly do.
fn misspell(text: &str, rng: &mut impl Rng) -> String {
    let is_long = |word: &&str| {
        word.len() >= FEWEST_LETTERS && word.bytes().all(|letter| letter.is_ascii_lowercase())
    };
    let words: Vec<&str> = text.split(' ').collect();
    let long: Vec<usize> = (0..words.len()).filter(|&i| is_long(&words[i])).collect();
    let Some(&chosen) = long.choose(rng) else {
        return text.to_owned();
    };
    let mut letters: Vec<char> = words[chosen].chars().collect();
    let at = rng.random_range(1..letters.len() - 1);
    match rng.random_range(0..4) {
        0 if at + 2 < letters.len() => letters.swap(at, at + 1),
        1 => letters.insert(at, letters[at]),
        2 => letters[at] = neighbour(letters[at], rng),
        _ => {
            letters.remove(at);
        }
    }
    let misspelt: String = letters.into_iter().collect();
    let spelled = |(i, word): (usize, &&str)| match i == chosen {
        true => misspelt.clone(),
        false => (*word).to_owned(),
    };
    let words: Vec<String> = words.iter().enumerate().map(spelled).collect();
    words.join(" ")
}

/// A letter beside this one on a keyboard.
fn neighbour(letter: char, rng: &mut impl Rng) -> char {
    let row = ROWS.iter().find(|row| row.contains(letter));
    let beside = row.and_then(|row| {
        let at = row.find(letter)?;
        let places = [at.wrapping_sub(1), at + 1];
        let letters = places.iter().filter_map(|&place| row.chars().nth(place));
        letters.choose(rng)
    });
    beside.unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn a_misspelling_changes_one_word_and_neither_its_first_nor_its_last_letter() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let text = "an old sailor with a beard";
        for _ in 0..500 {
            let misspelt = misspell(text, &mut rng);
            let pairs: Vec<_> = text.split(' ').zip(misspelt.split(' ')).collect();
            assert_eq!(pairs.len(), 6, "{misspelt}");
            let changed: Vec<_> = pairs
                .iter()
                .filter(|(right, wrong)| right != wrong)
                .collect();
            assert!(changed.len() <= 1, "{misspelt}");
            for (right, wrong) in changed {
                assert_eq!(right.chars().next(), wrong.chars().next());
                assert_eq!(right.chars().last(), wrong.chars().last());
            }
        }
        assert_eq!(misspell("He is old.", &mut rng), "He is old.");
    }

    #[test]
    fn neighbours_lie_beside_each_other() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..50 {
            assert!(['w', 'r'].contains(&neighbour('e', &mut rng)));
            assert_eq!(neighbour('q', &mut rng), 'w');
        }
        assert_eq!(neighbour('é', &mut rng), 'é');
    }
}
