use std::collections::HashSet;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::lexicon::{Frame, Phrase};
use super::*;
use crate::{Face, latent};

#[test]
fn training_never_writes_a_held_out_word() {
    let persons = LEXICON.persons.iter().flatten();
    let all: Vec<&Phrase> = persons.chain(&LEXICON.looks).collect();
    let held_out: HashSet<&str> = all
        .into_iter()
        .filter(|phrase| phrase.held_out && !phrase.text.contains(' '))
        .map(|phrase| phrase.text)
        .collect();
    assert!(
        held_out.len() > 100,
        "{} words are held out",
        held_out.len()
    );
    let grammar = Grammar::new(Split::Train);
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..10_000 {
        let face = Face::from_latent(&latent::sample(&mut rng)).attributes();
        let caption = grammar.caption_in(Language::English, &face, &mut rng);
        let is_letter = |c: char| c.is_alphanumeric() || c == '-' || c == '\'';
        let mut words = caption.text.split(|c| !is_letter(c));
        let met = words.find(|word| held_out.contains(word));
        assert_eq!(met, None, "{}", caption.text);
    }
}

#[test]
fn a_fair_share_of_frames_is_held_out() {
    let frames = lexicon::frames(Split::HeldOut);
    let share = |frames: &[Frame]| {
        frames.iter().filter(|frame| frame.held_out).count() as f32 / frames.len() as f32
    };
    let shares = [
        share(&frames.opening),
        share(&frames.tail),
        share(&frames.sentence),
    ];
    let is_fair = |share: &f32| (0.1..0.36).contains(share);
    assert!(shares.iter().all(is_fair), "{shares:?}");
}

#[test]
fn every_attribute_has_words() {
    let looks = Looks::new(Split::Train);
    for &attribute in Attribute::ALL {
        let ways = looks.saying(attribute, true).all().len();
        assert!(ways >= 2, "{attribute:?} has {ways} phrases");
    }
}
