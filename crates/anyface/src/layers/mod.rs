//! Layers that several networks share.

mod activation;
mod batch_norm;
mod batch_statistics;
mod conv;
mod depthwise;
mod fir;
mod fully_connected;
mod halve;
mod kernel_call;
mod layer_norm;
mod linear;
mod normalize;
mod pointwise;
mod prelu;
mod quick_gelu;
mod styled_conv;

pub use activation::activate;
pub use anyface_kernels::Activation;
pub use batch_norm::BatchNorm;
pub use batch_statistics::batch_norm_leaky_relu;
pub use conv::{Conv, conv, convolve, convolve_normalized};
pub use depthwise::{depthwise, pad_same};
pub use fir::upsample_2x;
pub use fully_connected::FullyConnected;
pub use halve::halve;
pub(crate) use kernel_call::values;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use normalize::l2_normalize;
pub(crate) use pointwise::{has_pointwise, pointwise};
pub use prelu::prelu;
pub use quick_gelu::quick_gelu;
pub(crate) use styled_conv::runs_on_flex;
pub use styled_conv::{Operands, ScaledNoise, Settings, conv_same, styled_conv};
