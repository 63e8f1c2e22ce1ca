//! What is trained: one file or folder a network.

mod adversarial;
mod critic;
pub mod dual_encoder;
pub mod generator;
pub mod image_tower;
pub mod inversion;
pub mod mapper;
pub mod probe;
mod random_w;
mod viewer;
