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
