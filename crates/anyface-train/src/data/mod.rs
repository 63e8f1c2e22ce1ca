//! What training reads: texts and pictures.

pub mod captions;
pub mod corpus;
pub mod portraits;
pub mod wordnet;
