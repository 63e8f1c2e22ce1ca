//! What follows from what: the attributes that words say without naming them.

use crate::attribute::{Attribute, Attributes};

use super::lexicon::{Meaning, Phrase};

/// The meaning with everything that it entails, sorted and without repetition.
pub(super) fn closure(meaning: &[(Attribute, bool)]) -> Meaning {
    let mut all: Meaning = meaning
        .iter()
        .flat_map(|&literal| std::iter::once(literal).chain(entailed(literal)))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What anyone takes for granted of a face of which the literal is true.
fn entailed((attribute, state): (Attribute, bool)) -> Vec<(Attribute, bool)> {
    use Attribute::*;
    match (attribute, state) {
        (FullBeard | Goatee | Mustache | FiveOClockShadow, true) => vec![(NoBeard, false)],
        (NoBeard, true) => [FullBeard, Goatee, Mustache].map(denied).to_vec(),
        (KnittedCap | BrimmedHat | BaseballCap, true) => vec![(WearingHat, true)],
        (WearingHat, false) => [KnittedCap, BrimmedHat, BaseballCap].map(denied).to_vec(),
        (Child, true) => vec![(Young, true), (Elderly, false)],
        (Elderly, true) => vec![(Young, false), (Child, false)],
        (Young, true) => vec![(Elderly, false)],
        (Young, false) => vec![(Child, false)],
        (Smiling, true) => vec![(Frowning, false)],
        (Frowning, true) => vec![(Smiling, false)],
        (LongHair, true) => vec![(ShortHair, false)],
        (ShortHair, true) => vec![(LongHair, false)],
        _ => Vec::new(),
    }
}

fn denied(attribute: Attribute) -> (Attribute, bool) {
    (attribute, false)
}

impl Phrase {
    /// Whether all that the phrase says is true of the face.
    pub(super) fn fits(&self, face: &Attributes) -> bool {
        self.meaning
            .iter()
            .all(|&(a, state)| face.get(a) == Some(state))
            && !self.unless.iter().any(|&a| face.has(a))
    }

    /// Whether the phrase would repeat what has been said: something that is there a second time,
    /// or nothing new at all.
    pub(super) fn repeats(&self, said: &[(Attribute, bool)]) -> bool {
        let known = |literal: &(Attribute, bool)| said.contains(literal);
        closure(&self.meaning)
            .iter()
            .any(|literal| literal.1 && known(literal))
            || (!self.meaning.is_empty() && self.meaning.iter().all(known))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{Face, latent};

    #[test]
    fn what_is_entailed_is_true_of_every_face() {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        for _ in 0..3_000 {
            let face = Face::from_latent(&latent::sample(&mut rng)).attributes();
            for literal in face.iter().filter_map(|(a, state)| Some((a, state?))) {
                for (attribute, state) in entailed(literal) {
                    assert_eq!(
                        face.get(attribute),
                        Some(state),
                        "{attribute:?} of {literal:?}"
                    );
                }
            }
        }
    }
}
