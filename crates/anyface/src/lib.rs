//! Free-style text-to-face synthesis and manipulation.

pub mod clip;
mod error;
pub mod image;
pub mod probe;
pub mod stylegan2;
pub mod weights;

pub use error::Error;
