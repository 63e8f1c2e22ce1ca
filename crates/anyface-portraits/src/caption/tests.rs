use std::collections::{HashMap, HashSet};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::lexicon::Frame;
use super::*;
use crate::{Face, latent};

/// Captions of random faces, every eighth steered to a role, with the attributes of the faces.
fn captions(split: Split, count: usize, seed: u64) -> Vec<(Attributes, Caption)> {
    let grammar = Grammar::new(split);
    let roles = grammar.roles();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|i| {
            let mut z = latent::sample(&mut rng);
            if i % 8 == 0 {
                let role = &roles[rng.random_range(0..roles.len())];
                z = latent::steer(&z, &role.says, &mut rng).unwrap_or(z);
            }
            let attributes = Face::from_latent(&z).attributes();
            let caption = grammar.caption(&attributes, &mut rng);
            (attributes, caption)
        })
        .collect()
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
            for wrong in [
                "  ", "{", "}", " ,", " .", "..", ",,", " a a", " a o", " a e", " an b",
            ] {
                assert!(!text.contains(wrong), "{wrong:?} in {text:?}");
            }
            let sentences = text.matches(['.', '?']).count();
            assert!(sentences <= 6, "{sentences} sentences in {text:?}");
        }
    }
}

#[test]
fn a_sentence_says_what_its_own_words_say() {
    let male = ["he", "his", "him", "man", "boy"];
    let female = ["she", "her", "woman", "girl"];
    for split in [Split::Train, Split::HeldOut] {
        for (_, caption) in captions(split, 5_000, 9) {
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
fn training_never_meets_a_held_out_word_role_or_frame() {
    let all = Grammar::new(Split::HeldOut);
    let phrases = all.people.iter().chain(&all.looks);
    let held_out: Vec<String> = phrases
        .filter(|p| p.held_out && !p.text.contains('{'))
        .map(|p| words(p.text))
        .collect();
    assert!(
        held_out.len() > 150,
        "{} phrases are held out",
        held_out.len()
    );
    let trained: Vec<String> = captions(Split::Train, 20_000, 2)
        .iter()
        .map(|(_, caption)| words(&caption.text))
        .collect();
    let corpus = trained.join("|");
    let met: Vec<_> = held_out
        .iter()
        .filter(|phrase| corpus.contains(*phrase))
        .collect();
    assert!(met.is_empty(), "{met:?} are held out");
}

#[test]
fn a_fair_share_of_everything_is_held_out() {
    let all = Grammar::new(Split::HeldOut);
    let share = |flags: Vec<bool>| {
        flags.iter().filter(|&&held_out| held_out).count() as f32 / flags.len() as f32
    };
    let of_phrases = |phrases: Vec<&Phrase>| share(phrases.iter().map(|p| p.held_out).collect());
    let of_frames = |frames: &[Frame]| share(frames.iter().map(|f| f.held_out).collect());
    let shares = [
        of_phrases(all.looks.iter().collect()),
        of_phrases(all.people.iter().filter(|p| !p.is_role()).collect()),
        of_phrases(all.people.iter().filter(|p| p.is_role()).collect()),
        of_frames(&all.frames.opening),
        of_frames(&all.frames.tail),
        of_frames(&all.frames.sentence),
    ];
    assert!(
        shares.iter().all(|share| (0.12..0.36).contains(share)),
        "{shares:?}"
    );
}

#[test]
fn every_attribute_is_affirmed_in_many_ways_and_denied() {
    for split in [Split::Train, Split::HeldOut] {
        let mut times = HashMap::new();
        for (_, caption) in captions(split, 10_000, 3) {
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
    let train = Grammar::new(Split::Train);
    for &attribute in Attribute::ALL {
        let ways = train
            .looks
            .iter()
            .filter(|p| p.meaning.contains(&(attribute, true)))
            .count();
        assert!(ways >= 2, "{attribute:?} has {ways} phrases");
    }
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
        distinct.len() > 3_700,
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
    for role in Grammar::new(Split::HeldOut).roles() {
        let z = latent::sample(&mut rng);
        let steered = (0..3).find_map(|_| latent::steer(&z, &role.says, &mut rng));
        assert!(steered.is_some(), "{}", role.words);
    }
}
