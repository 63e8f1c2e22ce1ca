//! What is known of faces and said by sentences, as sets that are quick to compare.

use anyface_portraits::{Attribute, Attributes};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const _: () = assert!(Attribute::COUNT <= u64::BITS as usize);

/// Facts: attributes that are there, and attributes that are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    there: u64,
    absent: u64,
}

impl Facts {
    /// All that is known of a face.
    pub(super) fn of(attributes: &Attributes) -> Self {
        let known = attributes.iter();
        Self::from_iter(known.filter_map(|(attribute, state)| Some((attribute, state?))))
    }

    /// Whether there is none.
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether all of them are true of a face: what is there is known to be there; what is not
    /// there may be unknown, since words entail more than labels know.
    pub(super) fn are_true_of(self, face: Self) -> bool {
        self.there & !face.there == 0 && self.absent & face.there == 0
    }

    /// Whether one of them is that the attribute has this state.
    pub(super) fn say(self, (attribute, state): (Attribute, bool)) -> bool {
        let set = if state { self.there } else { self.absent };
        set >> attribute.index() & 1 == 1
    }

    /// These and others.
    pub(super) fn and(self, others: Self) -> Self {
        Self {
            there: self.there | others.there,
            absent: self.absent | others.absent,
        }
    }

    /// Some of them: each of what is there with the chance `there`, of what is not with the chance
    /// `absent`.
    pub(super) fn thinned(
        self,
        there: f64,
        absent: f64,
        rng: &mut ChaCha8Rng,
    ) -> Vec<(Attribute, bool)> {
        let states = [(true, there), (false, absent)].into_iter();
        let facts = states.flat_map(|(state, chance)| {
            let all = Attribute::ALL.iter();
            all.map(move |&attribute| ((attribute, state), chance))
        });
        let facts = facts.filter(|(fact, _)| self.say(*fact));
        facts
            .filter_map(|(fact, chance)| rng.random_bool(chance).then_some(fact))
            .collect()
    }
}

impl FromIterator<(Attribute, bool)> for Facts {
    fn from_iter<I: IntoIterator<Item = (Attribute, bool)>>(facts: I) -> Self {
        facts
            .into_iter()
            .fold(Self::default(), |facts, (attribute, state)| {
                let bit = 1 << attribute.index();
                match state {
                    true => Self {
                        there: facts.there | bit,
                        ..facts
                    },
                    false => Self {
                        absent: facts.absent | bit,
                        ..facts
                    },
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Attribute::{Bald, Child, Male, Smiling};
    use rand::SeedableRng;

    #[test]
    fn what_is_there_must_be_known_and_what_is_not_must_not_be_there() {
        let face = Facts::from_iter([(Male, true), (Smiling, false)]);
        let is_true = |facts: &[(Attribute, bool)]| {
            facts.iter().copied().collect::<Facts>().are_true_of(face)
        };
        assert!(is_true(&[(Male, true), (Smiling, false)]));
        assert!(is_true(&[(Male, true), (Child, false)]));
        assert!(!is_true(&[(Bald, true)]));
        assert!(!is_true(&[(Male, false)]));
        assert!(!is_true(&[(Smiling, true)]));
    }

    #[test]
    fn facts_are_kept_with_their_chance() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let face = Facts::from_iter([(Male, true), (Smiling, false)]);
        assert_eq!(face.thinned(1.0, 0.0, &mut rng), [(Male, true)]);
        assert_eq!(face.thinned(0.0, 1.0, &mut rng), [(Smiling, false)]);
        assert!(face.thinned(0.0, 0.0, &mut rng).is_empty());
    }
}
