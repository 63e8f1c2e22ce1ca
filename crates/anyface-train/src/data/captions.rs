//! Captions of faces and their sentences.

use std::collections::HashSet;

use anyface::clip::split_sentences;
use anyface_portraits::Attributes;
use anyface_portraits::caption::{Caption, Grammar, Sentence, Split};
use anyface_portraits::latent::{LATENT_DIM, sample, steer};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A caption and the attributes of its face.
#[derive(Debug, Clone)]
pub struct CaptionedFace {
    /// The text and what it states.
    pub caption: Caption,
    /// All visible attributes of the face.
    pub attributes: Attributes,
}

/// A sentence of a caption and the attributes of its face.
#[derive(Debug, Clone)]
pub struct FaceSentence {
    /// The text and what it states.
    pub sentence: Sentence,
    /// All visible attributes of the face.
    pub attributes: Attributes,
}

/// Splits captions into sentences. Repeated sentences are removed.
pub fn sentences(captions: Vec<CaptionedFace>) -> Vec<FaceSentence> {
    let mut known = HashSet::new();
    let of_face = |face: CaptionedFace| {
        let CaptionedFace {
            caption,
            attributes,
        } = face;
        let sentences = caption.sentences.into_iter();
        sentences.map(move |sentence| FaceSentence {
            sentence,
            attributes,
        })
    };
    captions
        .into_iter()
        .flat_map(of_face)
        .filter(|of_face| known.insert(of_face.sentence.text.clone()))
        .collect()
}

/// One caption per face. Caption `i` depends only on the face, `seed` and `i`.
pub fn captions(split: Split, faces: Vec<Attributes>, seed: u64) -> Vec<CaptionedFace> {
    let grammar = Grammar::new(split);
    faces
        .into_par_iter()
        .enumerate()
        .map(|(i, attributes)| CaptionedFace {
            caption: write_caption(&grammar, &attributes, seed, i as u64),
            attributes,
        })
        .collect()
}

/// Caption `number` of `seed`. Deterministic.
pub(crate) fn write_caption(
    grammar: &Grammar,
    attributes: &Attributes,
    seed: u64,
    number: u64,
) -> Caption {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(number);
    grammar.caption(attributes, &mut rng)
}

/// Splits a caption written by a person into the sentences that the engine reads. The attributes
/// that they state are unknown.
pub(super) fn quote(text: &str) -> Caption {
    let sentences = split_sentences(text, |_| true).into_iter();
    let sentence = |text: &str| Sentence {
        text: text.to_owned(),
        ..Sentence::default()
    };
    Caption::from(sentences.map(sentence).collect::<Vec<_>>())
}

/// Latents of `count` faces for each role of the split, steered to match the role. Random faces
/// rarely match a role, for example a wizard.
pub fn latents_of_roles(split: Split, count: usize, seed: u64) -> Vec<[f32; LATENT_DIM]> {
    let roles = Grammar::new(split).roles();
    (0..roles.len() * count)
        .into_par_iter()
        .filter_map(|i| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(i as u64);
            let z = sample(&mut rng);
            let role = &roles[i % roles.len()];
            let wanted = role.draw(&mut rng);
            steer(&z, &wanted, &mut rng).or_else(|| steer(&z, &role.says, &mut rng))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use anyface_portraits::Face;

    use super::*;

    /// Captions of 3000 random faces.
    fn of_random_faces(split: Split) -> Vec<CaptionedFace> {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let faces = (0..3_000).map(|_| Face::from_latent(&sample(&mut rng)).attributes());
        captions(split, faces.collect(), 1)
    }

    #[test]
    fn split_sentences_finds_the_sentences_of_the_grammar() {
        for split in [Split::Train, Split::HeldOut] {
            for CaptionedFace { caption, .. } in of_random_faces(split) {
                let written: Vec<_> = caption.sentences.iter().map(|part| &part.text).collect();
                assert_eq!(split_sentences(&caption.text, |_| true), written);
            }
        }
    }

    #[test]
    fn repeated_sentences_are_removed() {
        let captions = of_random_faces(Split::Train);
        let all: usize = captions
            .iter()
            .map(|face| face.caption.sentences.len())
            .sum();
        let sentences = sentences(captions);
        let texts: HashSet<_> = sentences.iter().map(|face| &face.sentence.text).collect();
        assert!(texts.len() == sentences.len() && sentences.len() < all);
    }
}
