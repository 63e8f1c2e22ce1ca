//! Balanced accuracy per attribute.

use anyface_portraits::Attribute;

use super::mean;

/// Counts of correct and wrong readings.
#[derive(Debug, Clone)]
pub struct Accuracy {
    /// For each attribute and true state (no, yes): the number of samples and of correct readings.
    counts: [[Count; 2]; Attribute::COUNT],
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    all: u64,
    right: u64,
}

impl Default for Accuracy {
    fn default() -> Self {
        Self {
            counts: [[Count::default(); 2]; Attribute::COUNT],
        }
    }
}

impl Accuracy {
    /// Counts one reading of an attribute with true state `truth`.
    pub fn add(&mut self, attribute: Attribute, truth: bool, is_right: bool) {
        let count = &mut self.counts[attribute.index()][usize::from(truth)];
        count.all += 1;
        count.right += u64::from(is_right);
    }

    /// Balanced accuracy of one attribute, 0 to 1: the mean of the recalls of no and yes. If only
    /// one of them occurs, it is that recall; `None` if neither does.
    pub fn of(&self, attribute: Attribute) -> Option<f64> {
        let counts = self.counts[attribute.index()]
            .iter()
            .filter(|count| count.all > 0);
        mean(counts.map(|count| count.right as f64 / count.all as f64))
    }

    /// Number of samples with state no and yes.
    pub fn counts(&self, attribute: Attribute) -> [u64; 2] {
        self.counts[attribute.index()].map(|count| count.all)
    }

    /// Mean over the attributes that occur, 0 to 1; 0 if none does.
    pub fn mean(&self) -> f64 {
        mean(Attribute::ALL.iter().filter_map(|&a| self.of(a))).unwrap_or(0.0)
    }

    /// The attribute with the lowest balanced accuracy.
    pub fn worst(&self) -> Option<(Attribute, f64)> {
        let all = Attribute::ALL
            .iter()
            .filter_map(|&a| Some((a, self.of(a)?)));
        all.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// CSV table `attribute,balanced_accuracy,no,yes`, sorted by accuracy, lowest first.
    pub fn to_csv(&self) -> String {
        let mut rows: Vec<_> = Attribute::ALL
            .iter()
            .filter_map(|&a| Some((a, self.of(a)?)))
            .collect();
        rows.sort_by(|a, b| a.1.total_cmp(&b.1));
        let rows = rows.into_iter().map(|(attribute, accuracy)| {
            let [no, yes] = self.counts(attribute);
            format!("{},{accuracy:.4},{no},{yes}\n", attribute.name())
        });
        format!(
            "attribute,balanced_accuracy,no,yes\n{}",
            rows.collect::<String>()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_have_equal_weight() {
        let mut accuracy = Accuracy::default();
        for _ in 0..9 {
            accuracy.add(Attribute::Bald, false, true);
        }
        accuracy.add(Attribute::Bald, true, false);
        accuracy.add(Attribute::Smiling, true, true);

        assert_eq!(accuracy.of(Attribute::Bald), Some(0.5));
        assert_eq!(accuracy.of(Attribute::Smiling), Some(1.0));
        assert_eq!(accuracy.of(Attribute::Male), None);
        assert_eq!(accuracy.mean(), 0.75);
        assert_eq!(accuracy.worst(), Some((Attribute::Bald, 0.5)));
        assert_eq!(
            accuracy.to_csv(),
            "attribute,balanced_accuracy,no,yes\nBald,0.5000,9,1\nSmiling,1.0000,0,1\n"
        );
    }
}
