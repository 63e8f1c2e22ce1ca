//! What training reads: texts and pictures.

pub mod corpus;
pub mod wordnet;
