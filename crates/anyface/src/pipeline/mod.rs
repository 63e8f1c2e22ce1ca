//! The whole way from words to faces, behind one [`Engine`].

mod describe;
mod engine;
mod generate;
mod prior;

pub use describe::{Description, MAX_WORDS};
pub use engine::{Engine, Truncation};
pub use generate::{Face, Generate};
pub use prior::Prior;
