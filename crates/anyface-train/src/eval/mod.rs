//! Measures of a bundle by a probe that never saw a generated face.

mod accuracy;
mod diversity;
mod faithfulness;
pub mod frechet;
mod manipulation;
mod reading;
pub mod recognizer;

pub use accuracy::Accuracy;
pub use diversity::{Diversity, diversity};
pub use faithfulness::{AttributeRow, Faithfulness, faithfulness};
pub use manipulation::{EditRow, Manipulation, manipulation};
pub use reading::{Reading, read};

/// Mean of some values; `None` of none.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}
