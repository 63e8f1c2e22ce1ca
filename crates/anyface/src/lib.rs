//! Free-style text-to-face synthesis and manipulation.

pub mod stylegan2;
pub mod weights;
