//! What training reads: texts and pictures.

pub mod captions;
pub mod corpus;
pub mod images;
pub mod portraits;
pub mod wordnet;
