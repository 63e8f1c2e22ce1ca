//! What training reads: texts and pictures.

pub mod wordnet;
