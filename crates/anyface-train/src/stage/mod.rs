//! What is trained: one file a network.

pub mod generator;
pub mod mapper;
