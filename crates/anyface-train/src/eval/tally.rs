//! Balanced accuracy, attribute by attribute.

use anyface_portraits::Attribute;
use serde::Serialize;

/// How often one attribute was read as it was said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Times it was said to be there.
    pub named: usize,
    /// Times it was then seen.
    pub named_seen: usize,
    /// Times it was said not to be there.
    pub denied: usize,
    /// Times it was then not seen.
    pub denied_unseen: usize,
}

impl Tally {
    /// Counts one reading.
    pub const fn add(&mut self, said: bool, seen: bool) {
        if said {
            self.named += 1;
            self.named_seen += seen as usize;
        } else {
            self.denied += 1;
            self.denied_unseen += !seen as usize;
        }
    }

    /// Mean of the two rates, `None` unless the attribute was both named and denied.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        if self.named == 0 || self.denied == 0 {
            return None;
        }
        let sensitivity = self.named_seen as f64 / self.named as f64;
        let specificity = self.denied_unseen as f64 / self.denied as f64;
        Some((sensitivity + specificity) / 2.0)
    }
}

/// Tallies of all attributes.
#[derive(Debug, Clone)]
pub struct Tallies([Tally; Attribute::COUNT]);

impl Default for Tallies {
    fn default() -> Self {
        Self([Tally::default(); Attribute::COUNT])
    }
}

impl Tallies {
    /// Counts one reading of one attribute.
    pub const fn add(&mut self, attribute: Attribute, said: bool, seen: bool) {
        self.0[attribute.index()].add(said, seen);
    }

    /// The tally of one attribute.
    pub const fn get(&self, attribute: Attribute) -> &Tally {
        &self.0[attribute.index()]
    }

    /// Mean balanced accuracy over the attributes that have one, and their number.
    pub fn mean(&self) -> (f64, usize) {
        let known: Vec<f64> = self.0.iter().filter_map(Tally::balanced_accuracy).collect();
        (known.iter().sum::<f64>() / known.len().max(1) as f64, known.len())
    }
}

/// One line of a table by attribute.
#[derive(Debug, Clone, Serialize)]
pub struct AttributeRow {
    /// Column name of the attribute.
    pub attribute: &'static str,
    /// Captions that named it.
    pub named: usize,
    /// Captions that denied it.
    pub denied: usize,
    /// Balanced accuracy on generated faces.
    pub accuracy: f64,
    /// Balanced accuracy on renders of the faces that the captions were made from.
    pub ceiling: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn always_saying_yes_is_worth_one_half() {
        let mut tally = Tally::default();
        for i in 0..100 {
            tally.add(i % 10 == 0, true);
        }
        assert_eq!((tally.named, tally.denied), (10, 90));
        assert_eq!(tally.balanced_accuracy(), Some(0.5));
    }

    #[test]
    fn an_attribute_never_denied_has_no_balanced_accuracy() {
        let mut tallies = Tallies::default();
        tallies.add(Attribute::Bald, true, true);
        tallies.add(Attribute::Male, true, true);
        tallies.add(Attribute::Male, false, true);
        assert_eq!(tallies.get(Attribute::Bald).balanced_accuracy(), None);
        assert_eq!(tallies.mean(), (0.5, 1));
    }
}
