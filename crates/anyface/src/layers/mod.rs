//! Layers of convolutional networks with torch's parameter names, for inference.

mod batch_norm;
mod conv;

pub use batch_norm::BatchNorm;
pub use conv::{Conv, conv, convolve};
