//! The sentence encoder whose sense of words the text tower learns. Its weights are never shipped.

mod embeddings;
mod minilm;

pub use embeddings::Embeddings;
pub use minilm::MiniLm;
