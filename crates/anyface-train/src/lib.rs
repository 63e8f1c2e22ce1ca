//! Training and evaluation of every network of anyface.

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
