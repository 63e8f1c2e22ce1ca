//! The outputs of an up-sampling convolution, to which neighbouring tiles add.

use std::ops::Range;

use super::matrices::Operand;
use super::transforms::{Grid, GridMut, Sink, separable};
use super::up_lines::UpOutput;
use super::{Strip, TILE, UP_REACH, UP_SIDE, UP_TILE};
use crate::activation::{BlockFinish, finish_pixels};
use crate::features::Order;
use crate::layout::deinterleave;
use crate::simd::{Isa, LANES, Simd, multiversion};
use crate::workspace::{Scratch, scratch};

/// Rows and columns that the tiles reach beyond twice their size.
const EXCESS: usize = UP_TILE - 2 * TILE;

/// Sums of the outputs of one strip after the other, some channels in blocks of 16:
/// `[block][image][row][column][16]`, from [`UP_REACH`] above and to the left of the strip.
pub(crate) struct Overlap {
    sums: Scratch,
    blocks: usize,
    images: usize,
    rows: usize,
    columns: usize,
}

impl Overlap {
    /// For strips up to the size of `strip`, which begin at the top.
    pub(crate) fn new(strip: &Strip, channels: usize) -> Overlap {
        let [blocks, images] = [channels.div_ceil(LANES), strip.images.len()];
        let [rows, columns] =
            [strip.tile_rows(), strip.tile_columns()].map(|tiles| tiles * 2 * TILE + EXCESS);
        let mut sums = scratch(blocks * images * rows * columns * LANES);
        sums.fill(0.0);
        Overlap {
            sums,
            blocks,
            images,
            rows,
            columns,
        }
    }

    fn row(&self) -> usize {
        self.columns * LANES
    }

    fn image(&self) -> usize {
        self.rows * self.row()
    }

    /// Adds the outputs of a block of products of a strip.
    pub(crate) fn add(&mut self, isa: Isa, strip: &Strip, products: Operand<'_>, block: usize) {
        let [row, image] = [self.row(), self.image()];
        let block = &mut self.sums[block * self.images * image..][..self.images * image];
        add_outputs(isa, strip, products, [row, image], block);
    }

    /// Writes the rows that no later strip adds to, of one image and block, to its lines: up to 16 planes
    /// `[H'][W']`, or one block `[H'][W'][16]`. The noise of `finish` is that of these rows.
    pub(crate) fn finish(
        &self,
        isa: Isa,
        output: &Strip,
        done: &Range<usize>,
        [block, image]: [usize; 2],
        finish: &BlockFinish<'_>,
        (order, lines): (Order, &mut [&mut [f32]]),
    ) {
        let sums = &self.sums[(block * self.images + image) * self.image()..];
        let len = output.width * LANES;
        let mut finished = scratch(if order == Order::Planes { len } else { 0 });
        for y in done.clone() {
            let first = (y + UP_REACH - output.rows.start) * self.columns + UP_REACH;
            let row = &sums[first * LANES..][..len];
            let pixel = (y - done.start) * output.width;
            match order {
                Order::Planes => {
                    finish_pixels(isa, finish, pixel, row, &mut finished);
                    deinterleave(isa, &finished, y * output.width, lines);
                }
                Order::Blocks => {
                    finish_pixels(isa, finish, pixel, row, &mut lines[0][y * len..][..len]);
                }
            }
        }
    }

    /// Goes on to the strip below `strip`.
    pub(crate) fn advance(&mut self, strip: &Strip) {
        let (image, kept) = (self.image(), EXCESS * self.row());
        let below = strip.tile_rows() * 2 * TILE * self.row();
        for sums in self
            .sums
            .chunks_exact_mut(image)
            .take(self.blocks * self.images)
        {
            sums.copy_within(below..below + kept, 0);
            sums[kept..].fill(0.0);
        }
    }
}

multiversion! {
    /// Adds the 12×12 outputs of every tile to `sums [image][row][column][16]`.
    fn add_outputs(strip: &Strip, products: Operand<'_>, steps: [usize; 2], sums: &mut [f32]) {
        let (products, shape) = (products.values, products.shape);
        let [row, image] = steps;
        assert!(products.len() == shape.block() && shape.side == UP_SIDE && strip.tiles() * LANES <= shape.matrix());
        assert!(strip.images.len() * image <= sums.len() && strip.tile_columns() * 2 * TILE + EXCESS <= row / LANES);
        assert!((strip.tile_rows() * 2 * TILE + EXCESS) * row <= image);
        for number in 0..strip.images.len() {
            for (tile, y, x) in strip.corners(number) {
                let first = number * image + 2 * (y - strip.rows.start) * row + 2 * x * LANES;
                let square = Grid { start: &products[tile * LANES..], row: UP_SIDE * shape.matrix(), column: shape.matrix() };
                let mut sink = Adding(GridMut { start: &mut sums[first..], row, column: LANES });
                // SAFETY: the instruction set is the one this is compiled for; the tile is inside every matrix, and
                // what it adds to is inside the image.
                unsafe { separable::<S, UpOutput, UP_SIDE, UP_TILE>(&square, &mut sink) };
            }
        }
    }
}

/// Adds to what is there.
struct Adding<'a>(GridMut<'a>);

impl Sink for Adding<'_> {
    #[inline(always)]
    unsafe fn put<S: Simd>(&mut self, i: usize, j: usize, vector: S::Vector) {
        let index = i * self.0.row + j * self.0.column;
        // SAFETY: the caller's promise.
        unsafe {
            let before = S::load(self.0.start.as_ptr().add(index));
            self.0.put::<S>(i, j, S::add(before, vector));
        }
    }
}
