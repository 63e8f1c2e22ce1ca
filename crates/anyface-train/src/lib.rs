//! Training and evaluation of all networks of anyface.

mod bounds;
pub mod data;
pub mod error;
pub mod eval;
pub mod loss;
mod progress;
pub mod run;
pub mod stage;
pub mod teacher;

pub use error::{Result, TrainError};
