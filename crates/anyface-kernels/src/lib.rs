//! CPU kernels for styled convolution (StyleGAN2), forward and backward.
//!
//! Slices in, slices out: no models, no tensors. [`StyledConv`] is the one operation. It covers
//! the plain convolution of a critic or an encoder too: leave out style, demodulation and noise.
//!
//! Every convolution here, its up-sampling form and both of its gradients run through one register
//! tile (`tile.rs`). What differs is only the list of offsets at which the tile reads its source.
//!
//! Results depend on the instruction set, never on the number of threads.

mod activation;
mod convolve;
mod demodulation;
mod layout;
mod planes;
mod simd;
mod styled_conv;
mod tile;
mod workspace;

pub use activation::Activation;
pub use simd::Isa;
pub use styled_conv::{Gradients, Inputs, Noise, StyledConv};
