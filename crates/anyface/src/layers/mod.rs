//! Layers of convolutional networks with torch's parameter names, for inference.

mod batch_norm;
mod conv;
mod halve;
mod prelu;

pub use batch_norm::BatchNorm;
pub use conv::{Conv, conv, convolve, convolve_normalized};
pub use halve::halve;
pub use prelu::prelu;
