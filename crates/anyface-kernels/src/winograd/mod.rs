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
//! Tiles are computed in [`Strip`]s that fit the second-level cache, 16 channels beside each other.

mod lines;
mod matrices;
mod strips;
mod transforms;
mod weights;

pub(crate) use matrices::{Matrices, Operand, Target, accumulate, multiply};
pub(crate) use strips::{PAIR, Strip, Strips};
pub(crate) use transforms::{gradient_tiles, input_tiles, output_pixels};
pub(crate) use weights::{Weights, collect_weight_gradient};

/// Pixels on a side of a tile of outputs.
const TILE: usize = 4;
/// Pixels on a side of a tile of inputs, and numbers on a side of a transformed tile.
const SIDE: usize = 6;
/// Numbers of a transformed tile.
const PRODUCTS: usize = SIDE * SIDE;
