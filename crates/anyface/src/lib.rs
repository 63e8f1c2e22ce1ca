//! Free-style text-to-face synthesis and manipulation.

pub mod clip;
pub mod stylegan2;
pub mod weights;
