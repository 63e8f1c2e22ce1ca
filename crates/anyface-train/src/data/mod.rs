//! Training data.

pub mod portraits;
