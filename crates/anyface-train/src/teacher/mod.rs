//! The sentence encoder that teaches word meanings to the text tower. Its weights are not part of
//! this project.

mod embeddings;
mod minilm;

pub use embeddings::Embeddings;
pub use minilm::MiniLm;
