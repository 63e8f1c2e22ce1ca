//! The outputs of an up-sampling convolution, where neighbouring tiles overlap.
//!
//! Tiles are processed row by row, left to right. Contributions to the next tile on the right and
//! to the tiles below are kept until those are processed. All other outputs are finished
//! immediately.

use super::matrices::Operand;
use super::transforms::{Grid, Sink, separable};
use super::up_lines::UpOutput;
use super::{Strip, TILE, UP_REACH, UP_SIDE, UP_TILE};
use crate::activation::BlockFinish;
use crate::simd::{Isa, LANES, Simd, multiversion};
use crate::workspace::{Scratch, scratch};

/// Output rows and columns of a tile beyond twice its size.
const EXCESS: usize = UP_TILE - 2 * TILE;

/// Number of values that a tile contributes to its right neighbour: `[row][column][16]`.
const BESIDE: usize = UP_TILE * EXCESS * LANES;

/// Contributions to tiles not yet processed, for some blocks of 16 channels of some images.
pub(crate) struct Overlap {
    /// To the tile on the right: `[block][image]` of [`BESIDE`] values.
    beside: Scratch,
    /// To the tiles below: `[block][image][row][column][16]`.
    below: Scratch,
    images: usize,
    /// Number of values per row.
    row: usize,
}

/// Rows of finished outputs of one image and block.
pub(crate) struct Outputs<'a> {
    /// Index of the first row.
    pub(crate) top: usize,
    /// `[row][column][16]`; may be empty.
    pub(crate) pixels: &'a mut [f32],
    pub(crate) finish: &'a BlockFinish<'a>,
}

impl Overlap {
    /// For the tiles of strips like `strip`.
    pub(crate) fn new(strip: &Strip, channels: usize) -> Overlap {
        let [blocks, images] = [channels.div_ceil(LANES), strip.images.len()];
        let row = 2 * strip.width * LANES;
        let mut below = scratch(blocks * images * EXCESS * row);
        below.fill(0.0);
        Overlap {
            beside: scratch(blocks * images * BESIDE),
            below,
            images,
            row,
        }
    }

    /// Adds one block of products of one image (an index in the strip) and writes the completed
    /// rows. `last` marks the last tiles of the image and completes all.
    pub(crate) fn add(
        &mut self,
        isa: Isa,
        strip: &Strip,
        [block, image]: [usize; 2],
        products: Operand<'_>,
        last: bool,
        outputs: Outputs<'_>,
    ) {
        let index = block * self.images + image;
        let stream = Stream {
            beside: &mut self.beside[index * BESIDE..][..BESIDE],
            below: &mut self.below[index * EXCESS * self.row..][..EXCESS * self.row],
            outputs,
        };
        add_outputs(isa, strip, image, products, last, stream);
    }
}

/// One image and block of an [`Overlap`], and the destination of completed outputs.
struct Stream<'a> {
    beside: &'a mut [f32],
    below: &'a mut [f32],
    outputs: Outputs<'a>,
}

multiversion! {
    /// Adds the 12×12 outputs of every tile. If the tiles are the last, also writes what reaches
    /// below them.
    fn add_outputs(
        strip: &Strip,
        image: usize,
        products: Operand<'_>,
        last: bool,
        stream: Stream<'_>,
    ) {
        let (products, shape) = (products.values, products.shape);
        assert!(
            products.len() == shape.block()
                && shape.side == UP_SIDE
                && strip.tiles() * LANES <= shape.matrix()
        );
        assert!(image < strip.images.len());
        let mut stream = stream;
        for (tile, y, x) in strip.corners(image) {
            if x == 0 {
                stream.beside.fill(0.0);
            }
            let square = Grid {
                start: &products[tile * LANES..],
                row: UP_SIDE * shape.matrix(),
                column: shape.matrix(),
            };
            // SAFETY: this function is compiled for the instruction set of `S`; the tile is inside
            // every matrix.
            unsafe {
                separable::<S, UpOutput, UP_SIDE, UP_TILE>(
                    &square,
                    &mut Tile::new(&mut stream, strip, [y, x]),
                )
            };
            if x + TILE >= strip.width {
                let mut beyond = Tile::new(&mut stream, strip, [y, x + TILE]);
                for (i, j) in (0..UP_TILE).flat_map(|i| (0..UP_REACH).map(move |j| (i, j))) {
                    // SAFETY: this function is compiled for the instruction set of `S`.
                    unsafe { beyond.put::<S>(i, j, S::splat(0.0)) };
                }
            }
        }
        if last {
            stream.beside.fill(0.0);
            let bottom = strip.rows.start + strip.tile_rows() * TILE;
            for x in (0..=strip.width).step_by(TILE) {
                let mut beyond = Tile::new(&mut stream, strip, [bottom, x]);
                for (i, j) in (0..UP_REACH).flat_map(|i| (0..2 * TILE).map(move |j| (i, j))) {
                    // SAFETY: this function is compiled for the instruction set of `S`.
                    unsafe { beyond.put::<S>(i, j, S::splat(0.0)) };
                }
            }
        }
    }
}

/// The outputs of one tile.
struct Tile<'a, 'b> {
    stream: &'a mut Stream<'b>,
    /// Rows and columns of the image that are written.
    size: [isize; 2],
    /// Position of the first output, relative to the first that is written.
    corner: [isize; 2],
    /// Whether all rows, and all columns, are inside.
    inside: [bool; 2],
}

impl<'a, 'b> Tile<'a, 'b> {
    #[inline(always)]
    fn new(stream: &'a mut Stream<'b>, strip: &Strip, [y, x]: [usize; 2]) -> Tile<'a, 'b> {
        let width = 2 * strip.width;
        let outputs = &stream.outputs;
        let rows = outputs.pixels.len() / (width * LANES);
        assert!(stream.beside.len() == BESIDE && stream.below.len() == EXCESS * width * LANES);
        assert!(outputs.finish.noise.is_empty() || outputs.finish.noise.len() == rows * width);
        let size = [rows as isize, width as isize];
        let corner = [2 * y as isize - outputs.top as isize, 2 * x as isize]
            .map(|start| start - UP_REACH as isize);
        let inside =
            [0, 1].map(|axis| corner[axis] >= 0 && corner[axis] + 2 * TILE as isize <= size[axis]);
        Tile {
            stream,
            size,
            corner,
            inside,
        }
    }
}

impl Sink for Tile<'_, '_> {
    #[inline(always)]
    unsafe fn put<S: Simd>(&mut self, i: usize, j: usize, vector: S::Vector) {
        let Stream {
            beside,
            below,
            outputs,
        } = &mut *self.stream;
        let mut vector = vector;
        // SAFETY: the caller's promise; `beside` has places for 4 columns of 12 rows, `below` for 4
        // rows, and every other access is inside the written area.
        unsafe {
            if j < EXCESS {
                vector = S::add(
                    vector,
                    S::load(beside.as_ptr().add((i * EXCESS + j) * LANES)),
                );
            }
            if j >= 2 * TILE {
                return S::store(
                    beside.as_mut_ptr().add((i * EXCESS + j - 2 * TILE) * LANES),
                    vector,
                );
            }
            let [row, column] = [self.corner[0] + i as isize, self.corner[1] + j as isize];
            if !self.inside[1] && !(0..self.size[1]).contains(&column) {
                return;
            }
            let width = self.size[1] as usize;
            if i < EXCESS {
                vector = S::add(
                    vector,
                    S::load(below.as_ptr().add((i * width + column as usize) * LANES)),
                );
            }
            if i >= 2 * TILE {
                let place = (i - 2 * TILE) * width + column as usize;
                return S::store(below.as_mut_ptr().add(place * LANES), vector);
            }
            if self.inside[0] || (0..self.size[0]).contains(&row) {
                let pixel = row as usize * width + column as usize;
                let finished = outputs.finish.apply::<S>(pixel, vector);
                S::store(outputs.pixels.as_mut_ptr().add(pixel * LANES), finished);
            }
        }
    }

    #[inline(always)]
    unsafe fn put_row<S: Simd, const O: usize>(&mut self, i: usize, row: [S::Vector; O]) {
        let y = self.corner[0] + i as isize;
        let unwritten = i < 2 * TILE && !(0..self.size[0]).contains(&y);
        if !self.inside[1] || unwritten {
            for (j, vector) in row.into_iter().enumerate() {
                // SAFETY: the caller's promise.
                unsafe { self.put::<S>(i, j, vector) };
            }
            return;
        }
        let Stream {
            beside,
            below,
            outputs,
        } = &mut *self.stream;
        let [width, left] = [self.size[1] as usize, self.corner[1] as usize];
        let mut row = row;
        // SAFETY: as in `put`; this row and all columns are inside.
        unsafe {
            let beside = beside.as_mut_ptr().add(i * EXCESS * LANES);
            let (own, next) = row.split_at_mut(2 * TILE);
            for (j, (vector, next)) in own.iter_mut().zip(next).enumerate() {
                *vector = S::add(*vector, S::load(beside.add(j * LANES)));
                S::store(beside.add(j * LANES), *next);
            }
            if i < EXCESS {
                let below = below.as_ptr().add((i * width + left) * LANES);
                for (j, vector) in own.iter_mut().enumerate() {
                    *vector = S::add(*vector, S::load(below.add(j * LANES)));
                }
            }
            if i >= 2 * TILE {
                let below = below
                    .as_mut_ptr()
                    .add(((i - 2 * TILE) * width + left) * LANES);
                for (j, vector) in own.iter().enumerate() {
                    S::store(below.add(j * LANES), *vector);
                }
            } else {
                let pixel = y as usize * width + left;
                let pixels = outputs.pixels.as_mut_ptr().add(pixel * LANES);
                for (j, vector) in own.iter().enumerate() {
                    let finished = outputs.finish.apply::<S>(pixel + j, *vector);
                    S::store(pixels.add(j * LANES), finished);
                }
            }
        }
    }
}
