//! The whole pipeline from text to faces and edits, behind one [`Engine`].

mod descent;
mod describe;
mod direction_file;
mod edit;
mod edit_photo;
mod engine;
mod generate;
mod invert;
mod latent;
mod mapper;
mod optimize;
mod spans;
mod style_directions;

pub use describe::{Description, MAX_WORDS};
pub use edit::{Edit, EditMethod};
pub use engine::Engine;
pub use generate::{Generate, GeneratedFace};
pub use invert::REFINEMENT_STEPS;
pub use latent::Latent;
pub use spans::Span;
pub use style_directions::RELEVANCE_THRESHOLD;

#[cfg(test)]
mod tests;
