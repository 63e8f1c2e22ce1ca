//! Many matrices at once, and their products.

use super::{SIDE, UP_SIDE};
use crate::simd::{Isa, LANES, Simd, multiversion};

/// The shape of equally large matrices, one for each number of a transformed tile:
/// `[block of 16 columns][matrix][line][16]`.
///
/// Columns are channels. Rows are tiles, or channels where the matrices are weights. The elements of operands may be
/// packed ([`Simd::PACKED`]): each has two channels, beside each other in tiles and below each other in weights.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrices {
    /// Numbers on a side of a transformed tile.
    pub(super) side: usize,
    rows: usize,
    columns: usize,
    /// Elements of 16 columns.
    pub(super) line: usize,
}

impl Matrices {
    /// Of the tiles of a convolution, which up-samples or not.
    pub(crate) fn tiles(up: bool, tiles: usize, channels: usize) -> Matrices {
        let side = if up { UP_SIDE } else { SIDE };
        Matrices {
            side,
            rows: tiles,
            columns: channels,
            line: LANES,
        }
    }

    /// Of weights.
    pub(crate) fn weights(rows: usize, columns: usize) -> Matrices {
        Matrices {
            side: SIDE,
            rows,
            columns,
            line: LANES,
        }
    }

    /// The same tiles as operands of products.
    pub(crate) fn packed_tiles(self, isa: Isa) -> Matrices {
        Matrices {
            line: LANES / isa.packed(),
            ..self
        }
    }

    /// The same weights as operands of products.
    pub(super) fn packed_weights(self, isa: Isa) -> Matrices {
        Matrices {
            rows: self.rows.next_multiple_of(LANES) / isa.packed(),
            ..self
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.side * self.side
    }

    /// Which weights belong to matrix `index` of tiles, and whether it is their first.
    fn weight(&self, index: usize) -> (usize, bool) {
        let [i, j] = [index / self.side, index % self.side];
        let last = SIDE - 1;
        (i.min(last) * SIDE + j.min(last), i.max(j) <= last)
    }

    /// Blocks of 16 columns.
    pub(crate) fn blocks(&self) -> usize {
        self.columns.div_ceil(LANES)
    }

    /// From one matrix of a block to the next. There is room for whole register tiles of rows (their
    /// superfluous rows hold anything), and the number of lines is odd, so that equal places of many
    /// matrices do not share a set of the cache.
    pub(crate) fn matrix(&self) -> usize {
        (self.rows.next_multiple_of(LANES) + 1) * self.line
    }

    /// From one block to the next.
    pub(crate) fn block(&self) -> usize {
        self.count() * self.matrix()
    }

    /// Floats of all.
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

/// Matrices, or some of their blocks, to be written.
pub(crate) struct Target<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) shape: Matrices,
}

/// Register tiles of products are at most so many vectors wide.
const WIDTH: usize = 2;

/// `R × V` vectors of sums.
type Sums<S, const R: usize, const V: usize> = [[<S as Simd>::Vector; V]; R];

/// Adds `a(r, s) · b(s, v)` to `sums[r][v]` over all steps s, where each may be the sum of two packed products.
///
/// Steps come in `runs` of `run`. `a(r, s)` lies at `r · row + s · step` in the run's block of a, `b(s, v)` at
/// line s of block v of b. `blocks` are the distances between the blocks of a and of b.
///
/// # Safety
/// The machine has the instruction set of `S`, and a and b are good for reading at those places.
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

/// The place of `sums[r][v]`: line r of block v.
///
/// # Safety
/// The machine has the instruction set of `S`, and `c` is good for reading and writing at those places.
#[inline(always)]
unsafe fn load<S: Simd, const R: usize, const V: usize>(
    c: *const f32,
    block: usize,
) -> Sums<S, R, V> {
    // SAFETY: the caller's promise.
    let vector = |r, v| unsafe { S::load(c.add(v * block + r * LANES)) };
    std::array::from_fn(|r| std::array::from_fn(|v| vector(r, v)))
}

/// The reverse of [`load`].
///
/// # Safety
/// The machine has the instruction set of `S`, and `c` is good for writing at those places.
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
    /// `c = a · b` of tiles a and weights b, where a has as many columns as b rows, and b and c are one or two blocks.
    pub(crate) fn multiply(a: Operand<'_>, b: Operand<'_>, c: Target<'_>) {
        const WIDE: usize = if S::VECTORS < WIDTH { 1 } else { WIDTH };
        let width = c.values.len() / c.shape.block();
        assert!(a.values.len() == a.shape.len() && b.values.len() == width * b.shape.block() && c.values.len() == width * c.shape.block());
        assert!(a.shape.rows == c.shape.rows && a.shape.side == c.shape.side && b.shape.rows.next_multiple_of(a.shape.line) == a.shape.blocks() * a.shape.line);
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
                    let c_at = c.values[v * c.shape.block() + matrix * c.shape.matrix() + row * LANES..].as_mut_ptr();
                    // SAFETY: the instruction set is the one this is compiled for; the operands have the
                    // sizes of their shapes, which have room for whole tiles of rows, and blocks `v..` are there.
                    unsafe {
                        let zero = S::splat(0.0);
                        if v + WIDE <= width {
                            let sums = product::<S, { S::ROWS }, WIDE>((a_at, line, 1), b_at, blocks, runs, [[zero; WIDE]; S::ROWS]);
                            store::<S, { S::ROWS }, WIDE>(c_at, c.shape.block(), sums);
                            v += WIDE;
                        } else {
                            let sums = product::<S, { S::ROWS }, 1>((a_at, line, 1), b_at, blocks, runs, [[zero]; S::ROWS]);
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
    /// `c += aᵀ · b` of tiles a and b and weights c, where b and c are one or two blocks; without `add` c is set.
    pub(crate) fn accumulate(a: Operand<'_>, b: Operand<'_>, c: Target<'_>, add: bool) {
        const WIDE: usize = if S::VECTORS < WIDTH { 1 } else { WIDTH };
        let width = c.values.len() / c.shape.block();
        assert!(a.values.len() == a.shape.len() && b.values.len() == width * b.shape.block() && c.values.len() == width * c.shape.block());
        assert!([a.shape.line, b.shape.line, c.shape.line] == [LANES; 3]);
        assert!(a.shape.rows == b.shape.rows && a.shape.side == b.shape.side && c.shape.rows == a.shape.columns);
        let blocks = [0, b.shape.block()];
        let runs = [1, a.shape.rows];
        for matrix in 0..a.shape.count() {
            let (weight, first) = a.shape.weight(matrix);
            let add = add || !first;
            for row in (0..a.shape.blocks() * LANES).step_by(S::ROWS) {
                let a_at = a.values[row / LANES * a.shape.block() + matrix * a.shape.matrix() + row % LANES..].as_ptr();
                let mut v = 0;
                while v < width {
                    let b_at = b.values[v * b.shape.block() + matrix * b.shape.matrix()..].as_ptr();
                    let c_at = c.values[v * c.shape.block() + weight * c.shape.matrix() + row * LANES..].as_mut_ptr();
                    // SAFETY: as in `multiply`; the tile of rows of c is one of columns of a, within a block.
                    unsafe {
                        let zero = S::splat(0.0);
                        if v + WIDE <= width {
                            let sums = if add { load::<S, { S::ROWS }, WIDE>(c_at, c.shape.block()) } else { [[zero; WIDE]; S::ROWS] };
                            let sums = product::<S, { S::ROWS }, WIDE>((a_at, 1, LANES), b_at, blocks, runs, sums);
                            store::<S, { S::ROWS }, WIDE>(c_at, c.shape.block(), sums);
                            v += WIDE;
                        } else {
                            let sums = if add { load::<S, { S::ROWS }, 1>(c_at, c.shape.block()) } else { [[zero]; S::ROWS] };
                            let sums = product::<S, { S::ROWS }, 1>((a_at, 1, LANES), b_at, blocks, runs, sums);
                            store::<S, { S::ROWS }, 1>(c_at, c.shape.block(), sums);
                            v += 1;
                        }
                    }
                }
            }
        }
    }
}
