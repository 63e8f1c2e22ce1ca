//! How good the networks are.

mod accuracy;

pub use accuracy::Accuracy;
