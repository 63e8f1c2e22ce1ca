//! Training data: texts and pictures.

pub mod captions;
pub mod corpus;
pub mod faces;
pub mod images;
pub mod photographs;
pub(crate) mod picture;
pub mod portraits;
mod rendered;
mod squares;
pub mod wordnet;
