//! Sets of attribute states of faces and sentences, as bit masks.

use anyface_portraits::{Attribute, Attributes};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const _: () = assert!(Attribute::COUNT <= u64::BITS as usize);

/// Attribute states: the attributes that are present and those that are absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    there: u64,
    absent: u64,
}

impl Facts {
    /// All known attributes of a face.
    pub(super) fn of(attributes: &Attributes) -> Self {
        let known = attributes.iter();
        Self::from_iter(known.filter_map(|(attribute, state)| Some((attribute, state?))))
    }

    /// Whether the set is empty.
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether the statements are true for a face. Attributes stated as present must be known to be
    /// present. Attributes stated as absent may be unknown, because a text implies more absent
    /// attributes than labels record.
    pub(super) fn are_true_of(self, face: Self) -> bool {
        self.there & !face.there == 0 && self.absent & face.there == 0
    }

    /// Whether the set contains the attribute with this state.
    pub(super) fn say(self, (attribute, state): (Attribute, bool)) -> bool {
        let set = if state { self.there } else { self.absent };
        set >> attribute.index() & 1 == 1
    }

    /// Union of two sets.
    pub(super) fn and(self, others: Self) -> Self {
        Self {
            there: self.there | others.there,
            absent: self.absent | others.absent,
        }
    }

    /// A random subset: each present attribute with probability `there`, each absent one with
    /// probability `absent`.
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
    fn present_attributes_must_be_known_and_absent_ones_may_be_unknown() {
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
    fn facts_are_kept_with_their_probability() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let face = Facts::from_iter([(Male, true), (Smiling, false)]);
        assert_eq!(face.thinned(1.0, 0.0, &mut rng), [(Male, true)]);
        assert_eq!(face.thinned(0.0, 1.0, &mut rng), [(Smiling, false)]);
        assert!(face.thinned(0.0, 0.0, &mut rng).is_empty());
    }
}
