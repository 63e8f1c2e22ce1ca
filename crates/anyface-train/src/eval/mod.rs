//! Measures of a bundle by a probe that never saw a generated face.

mod accuracy;
mod diversity;
mod faithfulness;
mod reading;
mod tally;

pub use diversity::{Diversity, diversity};
pub use faithfulness::{Faithfulness, faithfulness};
pub use reading::{Reading, read};
pub use tally::{AttributeRow, Tallies, Tally};
pub use accuracy::Accuracy;
