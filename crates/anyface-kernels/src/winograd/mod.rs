//! Winograd's minimal filtering F(4×4, 3×3): 36 multiplications where a direct 3×3 convolution of
//! 4×4 pixels takes 144 (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
//! 2015).
//!
//! With x̂ the 6×6 input pixels around a tile of 4×4 outputs, `y = Aᵀ (G w Gᵀ ⊙ Bᵀ x̂ B) A`. The
//! products are summed over the input channels, so they become 36 matrix products:
//!
//! - outputs: (tiles × in channels) · (in × out channels);
//! - input gradient: the same on the output gradient, with the kernels rotated by 180°;
//! - weight gradient: every step transposed, `Gᵀ (Bᵀ x̂ B ⊙ A ĝ Aᵀ) G`, summed over the tiles.
//!
//! An up-sampling (transposed, stride 2) convolution splits into even and odd rows and columns. In
//! one dimension, four inputs contribute to five even pixels, the coefficients of the polynomial
//! product `(x₀ + x₁z + x₂z² + x₃z³)(w₀ + w₂z)`, which five multiplications interpolate. They
//! contribute `xᵢ·w₁` to the odd pixels. So a tile of 4×4 inputs takes 81 multiplications instead
//! of 144. It needs only 36 weight matrices, since all odd pixels share theirs. The filter that
//! follows is part of the output transform. The 12×12 output pixels of neighbouring tiles overlap.
//!
//! Tiles are computed in [`Strip`]s that fit the L2 cache, with 16 interleaved channels.

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

/// Side of a tile in pixels: output pixels, or input pixels when up-sampling.
const TILE: usize = 4;
/// Side of a transformed tile, and of transformed weights.
const SIDE: usize = 6;
/// Side of a transformed tile when up-sampling.
const UP_SIDE: usize = 9;
/// Side, in output pixels, of the contribution of one input tile when up-sampling.
const UP_TILE: usize = 12;
/// Rows (columns) of these above (left of) the tile.
pub(crate) const UP_REACH: usize = 2;
