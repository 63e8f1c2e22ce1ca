//! Sets of attribute states of faces and sentences, as bit masks.

use anyface_portraits::{Attribute, Attributes};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A set of attributes, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Set([u64; Attribute::COUNT.div_ceil(u64::BITS as usize)]);

impl Set {
    fn insert(&mut self, attribute: Attribute) {
        let (word, bit) = Self::place(attribute);
        self.0[word] |= 1 << bit;
    }

    fn contains(&self, attribute: Attribute) -> bool {
        let (word, bit) = Self::place(attribute);
        self.0[word] >> bit & 1 == 1
    }

    fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & b == 0)
    }

    fn union(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// The word of an attribute, and its bit there.
    fn place(attribute: Attribute) -> (usize, usize) {
        let bits = u64::BITS as usize;
        (attribute.index() / bits, attribute.index() % bits)
    }
}

/// Attribute states: the attributes that are present and those that are absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    there: Set,
    absent: Set,
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
        self.there.is_subset(&face.there) && self.absent.is_disjoint(&face.there)
    }

    /// Whether the set contains the attribute with this state.
    pub(super) fn say(self, (attribute, state): (Attribute, bool)) -> bool {
        let set = if state { self.there } else { self.absent };
        set.contains(attribute)
    }

    /// Union of two sets.
    pub(super) fn and(self, others: Self) -> Self {
        Self {
            there: self.there.union(&others.there),
            absent: self.absent.union(&others.absent),
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
        let mut set = Self::default();
        for (attribute, state) in facts {
            match state {
                true => set.there.insert(attribute),
                false => set.absent.insert(attribute),
            }
        }
        set
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
