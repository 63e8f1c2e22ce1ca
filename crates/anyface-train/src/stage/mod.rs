//! Training stages: one module per network.

mod attribute_loss;
pub mod clip2latent;
mod described;
pub mod dual_encoder;
pub mod gan;
pub mod generator;
mod image_features;
pub mod image_tower;
pub mod inversion;
pub mod mapper;
pub mod prior;
pub mod probe;
mod random_w;
mod text_features;
