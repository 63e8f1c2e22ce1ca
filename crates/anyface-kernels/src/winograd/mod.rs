//! Winograd's minimal filtering F(4×4, 3×3): 36 multiplications where a direct 3×3 convolution of 4×4
//! pixels takes 144 (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015).
//!
//! With x̂ the 6×6 pixels of the input around a tile of 4×4 outputs, `y = Aᵀ (G w Gᵀ ⊙ Bᵀ x̂ B) A`. The
//! products are summed over the input channels, which makes them 36 products of matrices:
//!
//! - outputs: tiles × in channels times in × out channels;
//! - gradient of the input: the same over the gradient, with the kernels turned by 180°;
//! - gradient of the weights: every step transposed, `Gᵀ (Bᵀ x̂ B ⊙ A ĝ Aᵀ) G`, summed over the tiles.
//!
//! An up-sampling convolution, of stride 2 and transposed, falls apart by even and odd rows and columns. In one
//! dimension the even pixels of four inputs' share in the output are five, products of polynomials
//! `(x₀ + x₁z + x₂z² + x₃z³)(w₀ + w₂z)`, which five multiplications interpolate; the odd ones are `xᵢ·w₁`. So a
//! tile of 4×4 inputs takes 81 multiplications instead of 144, by 36 matrices of weights, since those of odd pixels
//! are all the same. The filter after it belongs to the transform of the outputs. Their 12×12 pixels
//! overlap with those of the next tile.
//!
//! Tiles are computed in [`Strip`]s that fit the second-level cache, 16 channels beside each other.

mod lines;
mod matrices;
mod overlap;
mod strips;
mod transforms;
mod up_lines;
mod weights;

pub(crate) use matrices::{Matrices, Operand, Target, accumulate, multiply};
pub(crate) use overlap::{Outputs, Overlap};
pub(crate) use strips::{PAIR, Segment, Strip, Strips};
pub(crate) use transforms::{gradient_tiles, input_tiles, output_pixels};
pub(crate) use weights::{Weights, collect_weight_gradient};

/// Pixels on a side of a tile: of outputs, but of inputs where the convolution up-samples.
const TILE: usize = 4;
/// Numbers on a side of a transformed tile, and of transformed weights.
const SIDE: usize = 6;
/// Numbers on a side of a transformed tile where the convolution up-samples.
const UP_SIDE: usize = 9;
/// Pixels on a side of what a tile of inputs adds to the outputs where the convolution up-samples.
const UP_TILE: usize = 12;
/// Of these, those above and to the left of the tile.
pub(crate) const UP_REACH: usize = 2;
