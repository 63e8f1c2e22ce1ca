//! CPU kernels, forward and backward, for StyleGAN2 (styled convolution), EfficientNet and CLIP.
//!
//! Inputs and outputs are slices: the crate knows no models or tensors. [`StyledConv`] is the one
//! operation of StyleGAN2. Without style, demodulation and noise it is the plain convolution of a
//! discriminator or an encoder.
//!
//! The shape of the layer selects one of three algorithms ([`StyledConv::algorithm`]):
//! - direct: every convolution, its up-sampling form and both gradients run through one register
//!   tile (`tile.rs`) and differ only in the offsets at which the tile reads its source;
//! - Winograd's, with a quarter of the multiplications (`winograd/`);
//! - pointwise, for the memory-bound 1×1 kernels that output colours.
//!
//! Two more operations interleave 16 channels: [`Depthwise`] convolutions, and [`FrozenBlocks`],
//! runs of inverted residuals with constant weights (`inverted_residual/`).
//!
//! Results depend on the shape and the instruction set, never on the number of threads.

mod activation;
mod algorithm;
mod batch_norm;
mod convolve;
mod demodulation;
mod depthwise;
mod features;
mod halve;
mod inverted_residual;
mod layout;
mod planes;
mod pointwise;
mod quick_gelu;
mod simd;
mod styled_conv;
mod tile;
mod upsample;
mod winograd;
mod workspace;

pub use activation::Activation;
pub use algorithm::Algorithm;
pub use batch_norm::{BatchNorm, BatchNormGradients, Statistics};
pub use depthwise::{Depthwise, DepthwiseGradients};
pub use features::{blocked_len, blocks_to_planes, planes_to_blocks};
pub use halve::{halve, halve_gradient};
pub use inverted_residual::{Bits, FrozenBlocks, FrozenConv, InvertedResidual};
pub use pointwise::{Pointwise, PointwiseGradients};
pub use quick_gelu::{quick_gelu, quick_gelu_gradient};
pub use simd::Isa;
pub use styled_conv::{Gradients, Inputs, Noise, PreparedWeights, StyledConv};
pub use upsample::add_upsampled;
pub use workspace::{Scratch, scratch};

/// Compiles the README examples as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
