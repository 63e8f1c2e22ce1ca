//! A procedural 3-D portrait renderer and a caption grammar: endless labelled faces.

pub mod attribute;
pub mod caption;
mod code;
mod color;
mod decode;
mod degree;
pub mod face;
mod label;
pub mod latent;
mod render;

pub use attribute::{Attribute, Attributes, Degree};
pub use code::CODE_DIM;
pub use face::Face;
pub use render::render;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
