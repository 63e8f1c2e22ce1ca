//! Training and evaluation of every network of anyface.

pub mod data;
pub mod error;
pub mod loss;
pub mod run;
pub mod teacher;

pub use error::{Result, TrainError};
