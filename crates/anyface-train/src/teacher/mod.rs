//! The sentence encoder whose sense of words the text tower learns. Its weights are never shipped.

mod minilm;

pub use minilm::MiniLm;
