//! CPU kernels, forward and backward: styled convolution (StyleGAN2), and what EfficientNet consists of.
//!
//! Slices in, slices out: no models, no tensors. [`StyledConv`] is the one operation of StyleGAN2. It covers
//! the plain convolution of a critic or an encoder too: leave out style, demodulation and noise.
//!
//! There are three algorithms, chosen by the shape of the layer ([`StyledConv::algorithm`]):
//! - direct: every convolution, its up-sampling form and both of its gradients run through one register
//!   tile (`tile.rs`); what differs is only the list of offsets at which the tile reads its source;
//! - Winograd's, with a quarter of the multiplications (`winograd/`);
//! - pointwise, for 1×1 kernels that make colours, which memory bounds.
//!
//! Two more operations keep 16 channels beside each other: [`Depthwise`] convolutions, and [`FrozenBlocks`], runs of inverted
//! residuals whose weights do not change (`inverted_residual/`).
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
pub use simd::Isa;
pub use styled_conv::{Gradients, Inputs, Noise, PreparedWeights, StyledConv};
pub use upsample::add_upsampled;
pub use workspace::{Scratch, scratch};

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
