//! A procedural 3-D portrait renderer and a caption grammar: endless labelled faces.

pub mod attribute;
pub mod face;
mod render;

pub use attribute::{Attribute, Attributes};
pub use face::Face;
pub use render::render;
