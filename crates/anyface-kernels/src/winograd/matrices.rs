//! Batches of matrices of equal shape, and their products.

use super::{SIDE, UP_SIDE};
use crate::simd::{Isa, LANES, Simd, multiversion};

/// The shape of a batch of matrices, one per element of a transformed tile:
/// `[block of 16 columns][matrix][line][16]`.
///
/// Columns are channels. Rows are tiles; in weights, rows are channels. Operand elements may be
/// packed ([`Simd::PACKED`]): each holds two channels, neighbouring columns in tiles and
/// neighbouring rows in weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrices {
    /// Side of a transformed tile.
    pub(super) side: usize,
    rows: usize,
    columns: usize,
    /// Elements per 16 columns.
    pub(super) line: usize,
}

impl Matrices {
    /// The shape of the tiles of a convolution.
    pub(crate) fn tiles(up: bool, tiles: usize, channels: usize) -> Matrices {
        let side = if up { UP_SIDE } else { SIDE };
        Matrices {
            side,
            rows: tiles,
            columns: channels,
            line: LANES,
        }
    }

    /// The shape of weights.
    pub(crate) fn weights(rows: usize, columns: usize) -> Matrices {
        Matrices {
            side: SIDE,
            rows,
            columns,
            line: LANES,
        }
    }

    /// The same tiles as packed operands.
    pub(crate) fn packed_tiles(self, isa: Isa) -> Matrices {
        Matrices {
            line: LANES / isa.packed(),
            ..self
        }
    }

    /// The same weights as packed operands.
    pub(super) fn packed_weights(self, isa: Isa) -> Matrices {
        Matrices {
            rows: self.rows.next_multiple_of(LANES) / isa.packed(),
            ..self
        }
    }

    /// Number of matrices.
    pub(super) fn count(&self) -> usize {
        self.side * self.side
    }

    /// Index of the weight matrix for matrix `index` of tiles, and whether it is the first use of
    /// that weight matrix.
    fn weight(&self, index: usize) -> (usize, bool) {
        let [i, j] = [index / self.side, index % self.side];
        let last = SIDE - 1;
        (i.min(last) * SIDE + j.min(last), i.max(j) <= last)
    }

    /// Number of blocks of 16 columns.
    pub(crate) fn blocks(&self) -> usize {
        self.columns.div_ceil(LANES)
    }

    /// Distance between the matrices of a block. It has room for whole register tiles of rows
    /// (padding rows hold any value). The number of lines is odd, so that the same position in many
    /// matrices does not fall into one cache set.
    pub(crate) fn matrix(&self) -> usize {
        (self.rows.next_multiple_of(LANES) + 1) * self.line
    }

    /// Distance between blocks.
    pub(crate) fn block(&self) -> usize {
        self.count() * self.matrix()
    }

    /// Total number of floats.
    pub(crate) fn len(&self) -> usize {
        self.blocks() * self.block()
    }
}

/// Matrices, or some of their blocks.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) shape: Matrices,
}

/// Mutable matrices, or some of their blocks.
pub(crate) struct Target<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) shape: Matrices,
}

/// Most vectors per row of a product's register tile.
const WIDTH: usize = 2;

/// `R × V` vectors of sums.
type Sums<S, const R: usize, const V: usize> = [[<S as Simd>::Vector; V]; R];

/// Adds Σ over steps s of `a(r, s) · b(s, v)` to `sums[r][v]`. With packed operands, each product
/// is a sum of two.
///
/// Steps come in `runs` of `run`. `a(r, s)` is at `r · row + s · step` in the run's block of a;
/// `b(s, v)` is at line s of block v of b. `blocks` holds the distances between blocks of a and of
/// b.
///
/// # Safety
/// The CPU supports the instruction set of `S`, and a and b are valid for reads at these places.
#[inline(always)]
unsafe fn product<S: Simd, const R: usize, const V: usize>(
    (mut a, row, step): (*const f32, usize, usize),
    mut b: *const f32,
    blocks: [usize; 2],
    [runs, run]: [usize; 2],
    mut sums: Sums<S, R, V>,
) -> Sums<S, R, V> {
    for _ in 0..runs {
        for s in 0..run {
            // SAFETY: the caller's promise.
            unsafe {
                let operands: [S::Vector; V] =
                    std::array::from_fn(|v| S::load(b.add(v * blocks[1])));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let factor = S::splat_element(a.add(r * row + s * step));
                    for (sum, operand) in sums.iter_mut().zip(operands) {
                        *sum = S::multiply_elements(factor, operand, *sum);
                    }
                }
            }
            b = b.wrapping_add(LANES);
        }
        a = a.wrapping_add(blocks[0]);
    }
    sums
}

/// Loads `sums[r][v]` from line r of block v.
///
/// # Safety
/// The CPU supports the instruction set of `S`, and `c` is valid for reads at these places.
#[inline(always)]
unsafe fn load<S: Simd, const R: usize, const V: usize>(
    c: *const f32,
    block: usize,
) -> Sums<S, R, V> {
    // SAFETY: the caller's promise.
    let vector = |r, v| unsafe { S::load(c.add(v * block + r * LANES)) };
    std::array::from_fn(|r| std::array::from_fn(|v| vector(r, v)))
}

/// Inverse of [`load`].
///
/// # Safety
/// The CPU supports the instruction set of `S`, and `c` is valid for writes at these places.
#[inline(always)]
unsafe fn store<S: Simd, const R: usize, const V: usize>(
    c: *mut f32,
    block: usize,
    sums: Sums<S, R, V>,
) {
    for (r, sums) in sums.into_iter().enumerate() {
        for (v, sum) in sums.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { S::store(c.add(v * block + r * LANES), sum) };
        }
    }
}

multiversion! {
    bf16
    /// `c = a · b` for tiles a and weights b. The columns of a are the rows of b; b and c are one
    /// or two blocks.
    pub(crate) fn multiply(a: Operand<'_>, b: Operand<'_>, c: Target<'_>) {
        const WIDE: usize = if S::VECTORS < WIDTH { 1 } else { WIDTH };
        let width = c.values.len() / c.shape.block();
        assert!(
            a.values.len() == a.shape.len()
                && b.values.len() == width * b.shape.block()
                && c.values.len() == width * c.shape.block()
        );
        assert!(
            a.shape.rows == c.shape.rows
                && a.shape.side == c.shape.side
                && b.shape.rows.next_multiple_of(a.shape.line) == a.shape.blocks() * a.shape.line
        );
        assert!(a.shape.line * S::PACKED == LANES && [b.shape.line, c.shape.line] == [LANES; 2]);
        let blocks = [a.shape.block(), b.shape.block()];
        let line = LANES / S::PACKED;
        let runs = [a.shape.blocks(), line];
        for matrix in 0..a.shape.count() {
            let (weight, _) = a.shape.weight(matrix);
            for row in (0..c.shape.rows).step_by(S::ROWS) {
                let a_at = a.values[matrix * a.shape.matrix() + row * line..].as_ptr();
                let mut v = 0;
                while v < width {
                    let b_at = b.values[v * b.shape.block() + weight * b.shape.matrix()..].as_ptr();
                    let c_at = c.values
                        [v * c.shape.block() + matrix * c.shape.matrix() + row * LANES..]
                        .as_mut_ptr();
                    // SAFETY: this function is compiled for the instruction set of `S`. The
                    // operands have the sizes of their shapes, with room for whole tiles of rows,
                    // and blocks `v..` exist.
                    unsafe {
                        let zero = S::splat(0.0);
                        if v + WIDE <= width {
                            let sums = product::<S, { S::ROWS }, WIDE>(
                                (a_at, line, 1),
                                b_at,
                                blocks,
                                runs,
                                [[zero; WIDE]; S::ROWS],
                            );
                            store::<S, { S::ROWS }, WIDE>(c_at, c.shape.block(), sums);
                            v += WIDE;
                        } else {
                            let sums = product::<S, { S::ROWS }, 1>(
                                (a_at, line, 1),
                                b_at,
                                blocks,
                                runs,
                                [[zero]; S::ROWS],
                            );
                            store::<S, { S::ROWS }, 1>(c_at, c.shape.block(), sums);
                            v += 1;
                        }
                    }
                }
            }
        }
    }
}

multiversion! {
    /// `c += aᵀ · b` for tiles a and b and weights c, where b and c are one or two blocks. Without
    /// `add`, c is overwritten.
    pub(crate) fn accumulate(a: Operand<'_>, b: Operand<'_>, c: Target<'_>, add: bool) {
        const WIDE: usize = if S::VECTORS < WIDTH { 1 } else { WIDTH };
        let width = c.values.len() / c.shape.block();
        assert!(
            a.values.len() == a.shape.len()
                && b.values.len() == width * b.shape.block()
                && c.values.len() == width * c.shape.block()
        );
        assert!([a.shape.line, b.shape.line, c.shape.line] == [LANES; 3]);
        assert!(
            a.shape.rows == b.shape.rows
                && a.shape.side == b.shape.side
                && c.shape.rows == a.shape.columns
        );
        let blocks = [0, b.shape.block()];
        let runs = [1, a.shape.rows];
        for matrix in 0..a.shape.count() {
            let (weight, first) = a.shape.weight(matrix);
            let add = add || !first;
            for row in (0..a.shape.blocks() * LANES).step_by(S::ROWS) {
                let a_at = a.values
                    [row / LANES * a.shape.block() + matrix * a.shape.matrix() + row % LANES..]
                    .as_ptr();
                let mut v = 0;
                while v < width {
                    let b_at = b.values[v * b.shape.block() + matrix * b.shape.matrix()..].as_ptr();
                    let c_at = c.values
                        [v * c.shape.block() + weight * c.shape.matrix() + row * LANES..]
                        .as_mut_ptr();
                    // SAFETY: as in `multiply`; a tile of rows of c is a tile of columns of a,
                    // inside one block.
                    unsafe {
                        let zero = S::splat(0.0);
                        if v + WIDE <= width {
                            let sums = if add {
                                load::<S, { S::ROWS }, WIDE>(c_at, c.shape.block())
                            } else {
                                [[zero; WIDE]; S::ROWS]
                            };
                            let sums = product::<S, { S::ROWS }, WIDE>(
                                (a_at, 1, LANES),
                                b_at,
                                blocks,
                                runs,
                                sums,
                            );
                            store::<S, { S::ROWS }, WIDE>(c_at, c.shape.block(), sums);
                            v += WIDE;
                        } else {
                            let sums = if add {
                                load::<S, { S::ROWS }, 1>(c_at, c.shape.block())
                            } else {
                                [[zero]; S::ROWS]
                            };
                            let sums = product::<S, { S::ROWS }, 1>(
                                (a_at, 1, LANES),
                                b_at,
                                blocks,
                                runs,
                                sums,
                            );
                            store::<S, { S::ROWS }, 1>(c_at, c.shape.block(), sums);
                            v += 1;
                        }
                    }
                }
            }
        }
    }
}
