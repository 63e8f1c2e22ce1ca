//! What captions say and how they read.

use std::collections::{HashMap, HashSet};

use anyface_portraits::caption::{Caption, Grammar, Language, Split};
use anyface_portraits::{Attribute, Attributes, Degree, Face, latent};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Attributes of random faces, every eighth steered to a role.
fn faces(split: Split, count: usize, seed: u64) -> Vec<Attributes> {
    let roles = Grammar::new(split).roles();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|i| {
            let mut z = latent::sample(&mut rng);
            if i % 8 == 0 {
                let role = &roles[rng.random_range(0..roles.len())];
                z = latent::steer(&z, &role.draw(&mut rng), &mut rng).unwrap_or(z);
            }
            Face::from_latent(&z).attributes()
        })
        .collect()
}

/// Captions of such faces, in any language.
fn captions(split: Split, count: usize, seed: u64) -> Vec<(Attributes, Caption)> {
    let grammar = Grammar::new(split);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let write = |face: Attributes| (face, grammar.caption(&face, &mut rng));
    faces(split, count, seed).into_iter().map(write).collect()
}

/// Captions of such faces in one language.
fn captions_in(
    language: Language,
    split: Split,
    count: usize,
    seed: u64,
) -> Vec<(Attributes, Caption)> {
    let grammar = Grammar::new(split);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let write = |face: Attributes| (face, grammar.caption_in(language, &face, &mut rng));
    faces(split, count, seed).into_iter().map(write).collect()
}

/// The words of a text, lower case, between single spaces, with a bar for what stands between them.
fn words(text: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || c == '-' || c == '\'';
    let spaced: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            c if word(c) || c == ' ' => c.to_string(),
            _ => " | ".to_owned(),
        })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    format!(" {} ", words.join(" "))
}

#[test]
fn captions_say_only_what_is_true_and_read_well() {
    for split in [Split::Train, Split::HeldOut] {
        for (attributes, caption) in captions(split, 5_000, 1) {
            let text = &caption.text;
            for &(attribute, state) in &caption.said {
                assert_eq!(
                    attributes.get(attribute),
                    Some(state),
                    "{attribute:?} in {text:?}"
                );
            }
            assert!(!text.trim().is_empty() && text.trim() == text, "{text:?}");
            for wrong in ["  ", "{", "}", " ,", " .", "..", ",,", "/"] {
                assert!(!text.contains(wrong), "{wrong:?} in {text:?}");
            }
            for sentence in &caption.sentences {
                for &((attribute, _), _) in &sentence.likely {
                    let is_said = sentence.said.iter().any(|&(said, _)| said == attribute);
                    assert!(!is_said, "{attribute:?} is said and likely in {text:?}");
                }
                for &(attribute, degree) in &sentence.degrees {
                    assert_eq!(attributes.degree(attribute), Some(degree), "{text:?}");
                }
            }
            let sentences = text.matches(['.', '?']).count();
            assert!(sentences <= 6, "{sentences} sentences in {text:?}");
        }
    }
}

#[test]
fn english_articles_follow_the_sound() {
    for (_, caption) in captions_in(Language::English, Split::HeldOut, 5_000, 12) {
        let text = caption.text.to_lowercase();
        for wrong in [" a a", " a o", " a e", " an b", " an s"] {
            let is_wrong = |(at, _): (usize, &str)| {
                ![" a one", " a eu"]
                    .iter()
                    .any(|it| text[at..].starts_with(it))
            };
            assert!(
                !text.match_indices(wrong).any(is_wrong),
                "{wrong:?} in {text:?}"
            );
        }
    }
}

#[test]
fn a_sentence_says_what_its_own_words_say() {
    let male = ["he", "his", "him", "man", "boy"];
    let female = ["she", "her", "woman", "girl"];
    for split in [Split::Train, Split::HeldOut] {
        for (_, caption) in captions_in(Language::English, split, 5_000, 9) {
            for sentence in &caption.sentences {
                let words = words(&sentence.text);
                let tells = |nouns: &[&str]| {
                    let has = |noun: &&str| words.contains(&format!(" {noun} "));
                    nouns.iter().any(has)
                };
                for (nouns, state) in [(&male[..], true), (&female[..], false)] {
                    let said = sentence.said.contains(&(Attribute::Male, state));
                    assert!(said || !tells(nouns), "{sentence:?}");
                }
                let unsaid = sentence.said.iter().find(|it| !caption.said.contains(it));
                assert_eq!(unsaid, None, "{sentence:?} of {caption:?}");
            }
            let held_out = caption.sentences.iter().any(|sentence| sentence.held_out);
            assert_eq!(held_out, split == Split::HeldOut, "{caption:?}");
        }
    }
}

#[test]
fn every_attribute_is_affirmed_and_denied() {
    for split in [Split::Train, Split::HeldOut] {
        let mut times = HashMap::new();
        for (_, caption) in captions(split, 12_000, 3) {
            for literal in caption.said {
                *times.entry(literal).or_insert(0) += 1;
            }
        }
        for &attribute in Attribute::ALL {
            for state in [true, false] {
                let count = times.get(&(attribute, state)).copied().unwrap_or(0);
                assert!(
                    count >= 40,
                    "{attribute:?} {state} said {count} times in {split:?}"
                );
            }
        }
    }
}

#[test]
fn denials_deny() {
    let mut denied = HashMap::new();
    let grammar = Grammar::new(Split::Train);
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let mut denying = 0;
    for face in faces(Split::Train, 8_000, 13) {
        let caption = grammar.denial(&face, &mut rng);
        let words = words(&caption.text);
        let signs = [
            "isn't", "not", "no", "never", "without", "doesn't", "hasn't", "than",
        ];
        denying += usize::from(
            signs
                .iter()
                .any(|sign| words.contains(&format!(" {sign} "))),
        );
        for (attribute, state) in caption.said {
            assert_eq!(face.get(attribute), Some(state), "{}", caption.text);
            if !state {
                *denied.entry(attribute).or_insert(0) += 1;
            }
        }
    }
    assert!(denying > 5_000, "{denying} of 8000 have a word that denies");
    for attribute in Attribute::ALL {
        let times = denied.get(attribute).copied().unwrap_or(0);
        assert!(times >= 20, "{attribute:?} is denied {times} times");
    }
}

#[test]
fn every_language_says_much_and_in_many_words() {
    let english: HashSet<String> = captions_in(Language::English, Split::Train, 2_000, 14)
        .into_iter()
        .map(|(_, caption)| caption.text)
        .collect();
    for language in Language::ALL {
        let captions = captions_in(language, Split::Train, 4_000, 15);
        let texts: HashSet<&str> = captions.iter().map(|(_, it)| it.text.as_str()).collect();
        let said: HashSet<(Attribute, bool)> = captions
            .iter()
            .flat_map(|(_, it)| it.said.clone())
            .collect();
        assert!(texts.len() > 2_000, "{} in {language:?}", texts.len());
        let least = if language == Language::Emoji { 30 } else { 80 };
        assert!(said.len() >= least, "{} facts in {language:?}", said.len());
        if language != Language::English {
            assert!(texts.iter().all(|text| !english.contains(*text)));
        }
    }
}

#[test]
fn there_are_degrees_of_many_things() {
    let mut degrees: HashMap<(Attribute, Degree), usize> = HashMap::new();
    for (_, caption) in captions_in(Language::English, Split::Train, 20_000, 16) {
        for degree in caption.sentences.iter().flat_map(|part| &part.degrees) {
            *degrees.entry(*degree).or_default() += 1;
        }
    }
    for attribute in [
        Attribute::Smiling,
        Attribute::BigNose,
        Attribute::Chubby,
        Attribute::Wrinkles,
        Attribute::Freckles,
        Attribute::Elderly,
    ] {
        for degree in [Degree::Slight, Degree::Extreme] {
            let times = degrees.get(&(attribute, degree)).copied().unwrap_or(0);
            assert!(times >= 3, "{attribute:?} {degree:?} {times} times");
        }
    }
}

#[test]
fn what_is_likely_is_mostly_so() {
    let mut matching = 0.0;
    let mut expected = 0.0;
    let mut count = 0.0;
    for (face, caption) in captions(Split::Train, 20_000, 17) {
        for &((attribute, state), percent) in caption.sentences.iter().flat_map(|part| &part.likely)
        {
            if let Some(seen) = face.get(attribute) {
                matching += f64::from(u8::from(seen == state));
                expected += f64::from(percent) / 100.0;
                count += 1.0;
            }
        }
    }
    let (matching, expected) = (matching / count, expected / count);
    assert!(matching > expected - 0.2, "{matching} of {expected}");
}

/// Prints how fast captions are written; `cargo test --release --test captions -- --nocapture speed`.
#[test]
fn speed() {
    let faces = faces(Split::Train, 1_000, 18);
    let grammar = Grammar::new(Split::Train);
    let mut rng = ChaCha8Rng::seed_from_u64(18);
    let start = std::time::Instant::now();
    let letters: usize = (0..10_000)
        .map(|i| {
            grammar
                .caption(&faces[i % faces.len()], &mut rng)
                .text
                .len()
        })
        .sum();
    let speed = 10_000.0 / start.elapsed().as_secs_f64();
    eprintln!("{speed:.0} captions a second, {letters} letters");
    assert!(letters > 100_000);
}

#[test]
fn a_caption_of_the_held_out_split_is_one_that_training_cannot_write() {
    let faces = captions(Split::HeldOut, 2_000, 4);
    let train = Grammar::new(Split::Train);
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let trained: HashSet<String> = faces
        .iter()
        .flat_map(|(face, _)| {
            (0..5)
                .map(|_| train.caption(face, &mut rng).text)
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(
        faces
            .iter()
            .all(|(_, caption)| !trained.contains(&caption.text))
    );
}

#[test]
fn captions_vary_and_the_seed_decides() {
    let first = captions(Split::Train, 4_000, 6);
    assert_eq!(first, captions(Split::Train, 4_000, 6));
    let distinct: HashSet<&str> = first
        .iter()
        .map(|(_, caption)| caption.text.as_str())
        .collect();
    assert!(
        distinct.len() > 3_300,
        "{} of 4000 are distinct",
        distinct.len()
    );
}

#[test]
fn nothing_known_still_makes_a_caption() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for split in [Split::Train, Split::HeldOut] {
        for _ in 0..200 {
            let caption = Grammar::new(split).caption(&Attributes::UNKNOWN, &mut rng);
            assert!(caption.said.is_empty() && !caption.text.is_empty());
        }
    }
}

#[test]
fn every_role_can_be_steered_to() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let roles = Grammar::new(Split::HeldOut).roles();
    let mut known = HashSet::new();
    for role in roles.iter().filter(|role| known.insert(&role.says)) {
        let z = latent::sample(&mut rng);
        let steered = (0..3).find_map(|_| latent::steer(&z, &role.says, &mut rng));
        assert!(steered.is_some(), "{}", role.words);
    }
}
