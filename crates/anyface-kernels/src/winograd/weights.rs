//! Transformed weights, and the weight gradient from their gradients.

use rayon::prelude::*;

use super::SIDE;
use super::lines::{Weight, WeightGradient};
use super::matrices::{Matrices, Operand, Target};
use super::transforms::{Grid, GridMut, separable};
use super::up_lines::{UpWeight, UpWeightGradient};
use crate::layout::{deinterleave, interleave};
use crate::simd::{Isa, LANES, Simd, multiversion};
use crate::workspace::{Scratch, scratch};

/// Weights of a 3×3 kernel.
const TAPS: usize = 9;

/// `G w Gᵀ` for all pairs of channels.
pub(crate) struct Weights {
    values: Scratch,
    /// Packed in × out channels.
    shape: Matrices,
}

impl Weights {
    /// Pair `index` of column blocks: 32 columns.
    pub(crate) fn pair(&self, index: usize) -> Operand<'_> {
        let len = 2 * self.shape.block();
        let values = self
            .values
            .chunks(len)
            .nth(index)
            .expect("one pair of blocks per 32 columns");
        Operand {
            values,
            shape: self.shape,
        }
    }

    /// Weights of the convolution, from `weight [out, in, 3, 3]`.
    pub(crate) fn forward(
        isa: Isa,
        up: bool,
        weight: &[f32],
        [out_channels, in_channels]: [usize; 2],
    ) -> Weights {
        let len = in_channels * TAPS;
        Weights::new(isa, up, [in_channels, out_channels], |block, kernels| {
            let rows = block * LANES..out_channels.min((block + 1) * LANES);
            let lines: Vec<_> = rows.map(|co| &weight[co * len..][..len]).collect();
            interleave(isa, &lines, &[1.0; LANES], kernels);
        })
    }

    /// Weights of the transposed convolution, from output gradients to input gradients.
    pub(crate) fn transposed(
        isa: Isa,
        up: bool,
        weight: &[f32],
        [out_channels, in_channels]: [usize; 2],
    ) -> Weights {
        Weights::new(isa, up, [out_channels, in_channels], |block, kernels| {
            for (co, kernel) in kernels.chunks_exact_mut(TAPS * LANES).enumerate() {
                let columns = block * LANES..in_channels.min((block + 1) * LANES);
                let lines = columns.map(|ci| &weight[(co * in_channels + ci) * TAPS..][..TAPS]);
                interleave(isa, &lines.collect::<Vec<_>>(), &[1.0; LANES], kernel);
                // Without up-sampling, gradient tiles are cut like input tiles, so the kernel is
                // rotated by 180°.
                for tap in 0..if up { 0 } else { TAPS / 2 } {
                    let (low, high) = kernel.split_at_mut((TAPS - 1 - tap) * LANES);
                    low[tap * LANES..][..LANES].swap_with_slice(&mut high[..LANES]);
                }
            }
        })
    }

    /// `fill` writes the kernels `[row][tap][16]` of a block of 16 columns.
    fn new(
        isa: Isa,
        up: bool,
        [rows, columns]: [usize; 2],
        fill: impl Fn(usize, &mut [f32]) + Sync,
    ) -> Weights {
        let shape = Matrices::weights(rows, columns);
        let packed = shape.packed_weights(isa);
        let mut values = scratch(packed.len());
        let blocks = values.par_chunks_mut(packed.block()).enumerate();
        blocks.for_each(|(block, values)| {
            let mut kernels = scratch(rows * TAPS * LANES);
            fill(block, &mut kernels);
            if isa.packed() == 1 {
                transform(isa, up, &kernels, Target { values, shape });
            } else {
                let mut transformed = scratch(shape.block());
                let target = Target {
                    values: &mut transformed,
                    shape,
                };
                transform(isa, up, &kernels, target);
                pack(
                    &transformed,
                    shape,
                    Target {
                        values,
                        shape: packed,
                    },
                );
            }
        });
        Weights {
            values,
            shape: packed,
        }
    }
}

/// Packs one block of transformed weights into bf16, two rows per element.
fn pack(values: &[f32], shape: Matrices, out: Target<'_>) {
    let matrices = values.chunks_exact(shape.matrix());
    for (matrix, out) in matrices.zip(out.values.chunks_exact_mut(out.shape.matrix())) {
        let rows = matrix.chunks_exact(2 * LANES);
        for (rows, out) in rows.zip(out.chunks_exact_mut(LANES)) {
            let (low, high) = rows.split_at(LANES);
            for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
                *out = f32::from_bits(bf16_bits(*high) << 16 | bf16_bits(*low));
            }
        }
    }
}

/// The bf16 nearest to a finite number; ties round to even.
fn bf16_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    (bits + 0x7fff + (bits >> 16 & 1)) >> 16
}

multiversion! {
    /// Transforms kernels `[row][tap][16]` to one block of weights; padding rows, up to a multiple
    /// of 16, are zero.
    fn transform(up: bool, kernels: &[f32], out: Target<'_>) {
        let (out, shape) = (out.values, out.shape);
        let rows = kernels.len() / (TAPS * LANES);
        let whole = rows.next_multiple_of(LANES);
        assert!(out.len() == shape.block() && whole * LANES <= shape.matrix());
        for matrix in out.chunks_exact_mut(shape.matrix()) {
            matrix[rows * LANES..whole * LANES].fill(0.0);
        }
        for (row, kernel) in kernels.chunks_exact(TAPS * LANES).enumerate() {
            let square = Grid {
                start: kernel,
                row: 3 * LANES,
                column: LANES,
            };
            let mut sink = GridMut {
                start: &mut out[row * LANES..],
                row: SIDE * shape.matrix(),
                column: shape.matrix(),
            };
            // SAFETY: this function is compiled for the instruction set of `S`; the row is inside
            // every matrix.
            unsafe {
                if up {
                    separable::<S, UpWeight, 3, SIDE>(&square, &mut sink);
                } else {
                    separable::<S, Weight, 3, SIDE>(&square, &mut sink);
                }
            }
        }
    }
}

/// The gradient of `weight [out, in, 3, 3]` from that of [`Weights::forward`], which is the sum of
/// `parts`.
pub(crate) fn collect_weight_gradient(
    isa: Isa,
    up: bool,
    parts: &[f32],
    shape: Matrices,
    in_channels: usize,
    weight: &mut [f32],
) {
    let len = in_channels * TAPS;
    let blocks = weight.par_chunks_mut(LANES * len).enumerate();
    blocks.for_each(|(block, weight)| {
        let mut kernels = scratch(len * LANES);
        let parts: Vec<_> = parts
            .chunks_exact(shape.len())
            .map(|part| &part[block * shape.block()..][..shape.block()])
            .collect();
        transform_gradient(isa, up, &parts, shape, &mut kernels);
        deinterleave(
            isa,
            &kernels,
            0,
            &mut weight.chunks_mut(len).collect::<Vec<_>>(),
        );
    });
}

multiversion! {
    /// The gradients of kernels `[row][tap][16]` from one block of every part.
    fn transform_gradient(up: bool, parts: &[&[f32]], shape: Matrices, kernels: &mut [f32]) {
        let rows = kernels.len() / (TAPS * LANES);
        assert!(
            parts.iter().all(|part| part.len() == shape.block()) && rows * LANES <= shape.matrix()
        );
        let mut sums = [[0.0; LANES]; SIDE * SIDE];
        for (row, kernel) in kernels.chunks_exact_mut(TAPS * LANES).enumerate() {
            for (matrix, sum) in sums.iter_mut().enumerate() {
                let at = matrix * shape.matrix() + row * LANES;
                // SAFETY: this function is compiled for the instruction set of `S`; row and matrix
                // are inside the block.
                unsafe {
                    let mut total = S::splat(0.0);
                    for part in parts {
                        total = S::add(total, S::load(part.as_ptr().add(at)));
                    }
                    S::store(sum.as_mut_ptr(), total);
                }
            }
            let square = Grid {
                start: sums.as_flattened(),
                row: SIDE * LANES,
                column: LANES,
            };
            let mut sink = GridMut {
                start: kernel,
                row: 3 * LANES,
                column: LANES,
            };
            // SAFETY: this function is compiled for the instruction set of `S`; a kernel holds nine
            // vectors.
            unsafe {
                if up {
                    separable::<S, UpWeightGradient, SIDE, 3>(&square, &mut sink);
                } else {
                    separable::<S, WeightGradient, SIDE, 3>(&square, &mut sink);
                }
            }
        }
    }
}
