//! The whole way from words to faces, and from faces to others, behind one [`Engine`].

mod describe;
mod edit;
mod engine;
mod generate;
mod invert;
mod latent;
mod mapper;
mod spans;

pub use describe::{Description, MAX_WORDS};
pub use edit::Edit;
pub use engine::Engine;
pub use generate::{Generate, GeneratedFace};
pub use invert::REFINEMENT_STEPS;
pub use latent::Latent;
pub use spans::Span;

#[cfg(test)]
mod tests;
