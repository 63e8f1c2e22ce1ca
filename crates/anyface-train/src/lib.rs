//! Training and evaluation of every network of anyface.

pub mod error;
pub mod loss;
pub mod run;

pub use error::{Result, TrainError};
