//! Free-style text-to-face synthesis and manipulation.

pub mod probe;
pub mod weights;
