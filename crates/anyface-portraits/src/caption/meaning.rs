//! What follows from what: the attributes that words say without naming them.

use crate::attribute::{Attribute, Attributes, Degree};

/// What a caption says: attributes and whether each is there.
pub(super) type Meaning = Vec<(Attribute, bool)>;

/// What some words say of a face.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Says {
    /// What is surely so.
    pub(super) facts: Meaning,
    /// What is likely so, with the percentage of faces of which it is.
    pub(super) likely: Vec<((Attribute, bool), u8)>,
    /// How much there is of something.
    pub(super) degrees: Vec<(Attribute, Degree)>,
}

impl Says {
    /// Says another thing as well.
    pub(super) fn add(&mut self, other: &Self) {
        self.facts.extend(&other.facts);
        self.likely.extend(&other.likely);
        self.degrees.extend(&other.degrees);
    }

    /// Closed, sorted and without repetition; nothing is likely of which something is sure.
    pub(super) fn closed(mut self) -> Self {
        self.facts = closure(&self.facts);
        let is_open = |(attribute, _): (Attribute, bool)| {
            !self.facts.iter().any(|&(known, _)| known == attribute)
        };
        self.likely.retain(|&(fact, _)| is_open(fact));
        self.likely.sort_unstable();
        self.likely.dedup_by_key(|((attribute, _), _)| *attribute);
        self.degrees.sort_unstable();
        self.degrees.dedup_by_key(|(attribute, _)| *attribute);
        self
    }
}

/// What a block of phrases says.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) says: Says,
    /// The closure of what is surely said.
    pub(super) closure: Meaning,
    /// Attributes of which a face that clearly has them is not described by these phrases.
    pub(super) unless: Vec<Attribute>,
    /// The one attribute that is denied with the words, if there is one.
    pub(super) deniable: Option<Attribute>,
    /// What the renderer cannot draw yet, and these words ask for.
    pub(super) wanted: Option<&'static str>,
}

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

impl Header {
    /// Whether all that the words surely say is true of the face.
    pub(super) fn fits(&self, face: &Attributes) -> bool {
        let says = &self.says;
        says.facts
            .iter()
            .all(|&(a, state)| face.get(a) == Some(state))
            && says
                .degrees
                .iter()
                .all(|&(a, degree)| face.degree(a) == Some(degree))
            && !self.unless.iter().any(|&a| face.has(a))
    }

    /// How likely the words are for a face that they fit, beside others that say as much: from 0
    /// to 1.
    pub(super) fn likelihood(&self, face: &Attributes) -> f32 {
        let likelihood = |&((attribute, state), percent): &((Attribute, bool), u8)| {
            let percent = f32::from(percent) / 100.0;
            match face.get(attribute) {
                Some(seen) if seen == state => percent,
                Some(_) => 1.0 - percent,
                None => 0.5,
            }
        };
        self.says.likely.iter().map(likelihood).product()
    }

    /// Whether the words would repeat what has been said: something that is there a second time,
    /// something likely of what is known, or nothing new at all.
    pub(super) fn repeats(&self, said: &Says) -> bool {
        let known = |literal: &(Attribute, bool)| said.facts.contains(literal);
        let mentioned = |attribute: Attribute| {
            said.facts.iter().any(|&(a, _)| a == attribute)
                || said.likely.iter().any(|&((a, _), _)| a == attribute)
                || said.degrees.iter().any(|&(a, _)| a == attribute)
        };
        let says = &self.says;
        self.closure
            .iter()
            .any(|literal| literal.1 && known(literal))
            || (!says.facts.is_empty() && says.facts.iter().all(known))
            || says.likely.iter().any(|&((a, _), _)| mentioned(a))
            || says.degrees.iter().any(|&(a, _)| mentioned(a))
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

    #[test]
    fn what_is_sure_is_not_likely_as_well() {
        let says = Says {
            facts: vec![(Attribute::Elderly, true)],
            likely: vec![
                ((Attribute::Young, true), 60),
                ((Attribute::Smiling, true), 70),
                ((Attribute::Smiling, true), 60),
            ],
            degrees: Vec::new(),
        };
        let closed = says.closed();
        assert!(closed.facts.contains(&(Attribute::Young, false)));
        assert_eq!(closed.likely, [((Attribute::Smiling, true), 60)]);
    }
}
