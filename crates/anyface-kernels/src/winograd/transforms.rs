//! Transforms between the pixels of a strip, with 16 interleaved channels, and its tiles.

use super::lines::{Gradient, Input, Line, Output};
use super::matrices::{Operand, Target};
use super::up_lines::{UpGradient, UpInput, UpInputGradient};
use super::{SIDE, Strip, TILE, UP_REACH, UP_SIDE, UP_TILE};
use crate::activation::BlockFinish;
use crate::simd::{LANES, Simd, multiversion};

/// A square of vectors in memory.
pub(super) trait Square {
    /// The vector in row i and column j.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `S`, and the vector is in the square.
    unsafe fn at<S: Simd>(&self, i: usize, j: usize) -> S::Vector;
}

/// Vectors at `start[i · row + j · column]`.
pub(super) struct Grid<'a> {
    pub(super) start: &'a [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Square for Grid<'_> {
    #[inline(always)]
    unsafe fn at<S: Simd>(&self, i: usize, j: usize) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe { S::load(self.start.as_ptr().add(i * self.row + j * self.column)) }
    }
}

/// Pixels from (top, left) on in one image's rows of a strip, times a factor per channel; zero
/// outside.
struct Pixels<'a> {
    /// `[row][column][16]`.
    rows: &'a [f32],
    factors: &'a [f32; LANES],
    /// Height of the image, in the coordinates of `rows`.
    height: isize,
    width: isize,
    top: isize,
    left: isize,
    /// Whether the whole square is inside.
    whole: bool,
}

/// Pixels `[row][column][16]` and their factors.
type Factored<'a> = (&'a [f32], &'a [f32; LANES]);

impl<'a> Pixels<'a> {
    /// A square of `side` pixels at (y, x) of the image.
    #[inline(always)]
    fn new(
        strip: &Strip,
        (rows, factors): Factored<'a>,
        [y, x]: [isize; 2],
        side: isize,
    ) -> Pixels<'a> {
        let [height, width] = [strip.halo.len() as isize, strip.width as isize];
        let (top, left) = (y - strip.halo.start as isize, x);
        let whole = top >= 0 && left >= 0 && top + side <= height && left + side <= width;
        Pixels {
            rows,
            factors,
            height,
            width,
            top,
            left,
            whole,
        }
    }
}

impl Square for Pixels<'_> {
    #[inline(always)]
    unsafe fn at<S: Simd>(&self, i: usize, j: usize) -> S::Vector {
        let (y, x) = (self.top + i as isize, self.left + j as isize);
        // SAFETY: the caller's promise; the pixel is inside.
        unsafe {
            if self.whole || (0..self.height).contains(&y) && (0..self.width).contains(&x) {
                let pixel = self
                    .rows
                    .as_ptr()
                    .offset((y * self.width + x) * LANES as isize);
                S::mul(S::load(pixel), S::load(self.factors.as_ptr()))
            } else {
                S::splat(0.0)
            }
        }
    }
}

/// Destination of a square of vectors.
pub(super) trait Sink {
    /// Stores the vector of row i and column j.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `S`, and the sink has a place for the vector.
    unsafe fn put<S: Simd>(&mut self, i: usize, j: usize, vector: S::Vector);

    /// Stores row i.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `S`, and the sink has a place for the row.
    #[inline(always)]
    unsafe fn put_row<S: Simd, const O: usize>(&mut self, i: usize, row: [S::Vector; O]) {
        for (j, vector) in row.into_iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { self.put::<S>(i, j, vector) };
        }
    }
}

/// Vectors at `start[i · row + j · column]`.
pub(super) struct GridMut<'a> {
    pub(super) start: &'a mut [f32],
    pub(super) row: usize,
    pub(super) column: usize,
}

impl Sink for GridMut<'_> {
    #[inline(always)]
    unsafe fn put<S: Simd>(&mut self, i: usize, j: usize, vector: S::Vector) {
        let index = i * self.row + j * self.column;
        // SAFETY: the caller's promise.
        unsafe { S::store(self.start.as_mut_ptr().add(index), vector) }
    }
}

/// Pixels of an image from index `first` on; those beyond its end are dropped.
struct Clipped<'a> {
    pixels: &'a mut [f32],
    first: usize,
    /// Pixels per row of the image.
    width: usize,
    /// Rows and columns from the first to the end of the image.
    size: [usize; 2],
    finish: Option<&'a BlockFinish<'a>>,
}

impl Sink for Clipped<'_> {
    #[inline(always)]
    unsafe fn put<S: Simd>(&mut self, i: usize, j: usize, vector: S::Vector) {
        if i < self.size[0] && j < self.size[1] {
            let pixel = self.first + i * self.width + j;
            // SAFETY: the caller's promise.
            unsafe {
                let vector = match self.finish {
                    Some(finish) => finish.apply::<S>(pixel, vector),
                    None => vector,
                };
                S::store(self.pixels.as_mut_ptr().add(pixel * LANES), vector);
            }
        }
    }
}

/// [`GridMut`] that stores packed elements.
struct Elements<'a>(GridMut<'a>);

impl Sink for Elements<'_> {
    #[inline(always)]
    unsafe fn put<S: Simd>(&mut self, i: usize, j: usize, vector: S::Vector) {
        let index = i * self.0.row + j * self.0.column;
        // SAFETY: the caller's promise.
        unsafe { S::store_elements(self.0.start.as_mut_ptr().add(index), vector) }
    }
}

/// Applies `L` to the columns of a square, then to its rows.
///
/// # Safety
/// The CPU supports the instruction set of `S`, and square and sink have `I` and `O` rows and
/// columns.
#[inline(always)]
pub(super) unsafe fn separable<S: Simd, L: Line<I, O>, const I: usize, const O: usize>(
    square: &impl Square,
    sink: &mut impl Sink,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = S::splat(0.0);
        let mut columns = [[zero; I]; O];
        for j in 0..I {
            let mut column = [zero; I];
            for (i, vector) in column.iter_mut().enumerate() {
                *vector = square.at::<S>(i, j);
            }
            for (row, vector) in columns.iter_mut().zip(L::apply::<S>(column)) {
                row[j] = vector;
            }
        }
        for (i, columns) in columns.iter().enumerate() {
            sink.put_row::<S, O>(i, L::apply::<S>(*columns));
        }
    }
}

impl Strip {
    /// The index and top left pixel of each tile of an image (an index in the strip).
    #[inline(always)]
    pub(super) fn corners(&self, image: usize) -> impl Iterator<Item = (usize, usize, usize)> {
        let [rows, columns] = [self.tile_rows(), self.tile_columns()];
        let (first, top) = (image * rows * columns, self.rows.start);
        (0..rows).flat_map(move |row| {
            (0..columns).map(move |column| {
                (
                    first + row * columns + column,
                    top + row * TILE,
                    column * TILE,
                )
            })
        })
    }
}

/// Transforms every tile of an image: `I` × `I` pixels, starting `reach` above and left of the
/// tile. In the rows of `pixel_strip`, tile coordinates are multiplied by `scale`.
///
/// # Safety
/// The CPU supports the instruction set of `S`.
#[inline(always)]
unsafe fn transform<S: Simd, L: Line<I, O>, const I: usize, const O: usize>(
    strip: &Strip,
    image: usize,
    (pixel_strip, scale, reach): (&Strip, usize, usize),
    pixels: Factored<'_>,
    out: Target<'_>,
) {
    let (out, shape) = (out.values, out.shape);
    assert!(
        out.len() == shape.block()
            && shape.side == O
            && shape.line * S::PACKED == LANES
            && strip.tiles() * shape.line <= shape.matrix()
    );
    assert!(image < strip.images.len() && pixels.0.len() == pixel_strip.halo_pixels() * LANES);
    for (tile, y, x) in strip.corners(image) {
        let corner = [y, x].map(|start| (start * scale) as isize - reach as isize);
        let square = Pixels::new(pixel_strip, pixels, corner, I as isize);
        let mut sink = Elements(GridMut {
            start: &mut out[tile * shape.line..],
            row: O * shape.matrix(),
            column: shape.matrix(),
        });
        // SAFETY: the caller's promise; the tile is inside every matrix.
        unsafe { separable::<S, L, I, O>(&square, &mut sink) };
    }
}

multiversion! {
    bf16
    /// Writes the tiles of an image (an index in the strip) to one block of `out`, from its
    /// `pixels [row of the halo][column][16]` times `factors`.
    pub(crate) fn input_tiles(
        strip: &Strip,
        image: usize,
        pixels: &[f32],
        factors: &[f32; LANES],
        out: Target<'_>,
    ) {
        // SAFETY: this function is compiled for the instruction set of `S`.
        unsafe {
            if out.shape.side == SIDE {
                transform::<S, Input, SIDE, SIDE>(
                    strip,
                    image,
                    (strip, 1, 1),
                    (pixels, factors),
                    out,
                );
            } else {
                transform::<S, UpInput, TILE, UP_SIDE>(
                    strip,
                    image,
                    (strip, 1, 0),
                    (pixels, factors),
                    out,
                );
            }
        }
    }
}

multiversion! {
    /// Writes the tiles of an image of an output gradient to one block of `out`, from
    /// `pixels [row of the halo][column][16]` of `output`, the strip's part of the output.
    pub(crate) fn gradient_tiles(
        strip: &Strip,
        image: usize,
        output: &Strip,
        pixels: &[f32],
        out: Target<'_>,
    ) {
        let pixels = (pixels, &[1.0; LANES]);
        // SAFETY: this function is compiled for the instruction set of `S`.
        unsafe {
            if out.shape.side == SIDE {
                // A tile reaches below its strip only at the end of the image.
                transform::<S, Gradient, TILE, SIDE>(strip, image, (output, 1, 0), pixels, out);
            } else {
                transform::<S, UpGradient, UP_TILE, UP_SIDE>(
                    strip,
                    image,
                    (output, 2, UP_REACH),
                    pixels,
                    out,
                );
            }
        }
    }
}

multiversion! {
    /// Computes the pixels `[row][column][16]` of an image (an index in the strip) from one block
    /// of products, and applies `finish`. They are outputs, or input gradients when up-sampling.
    pub(crate) fn output_pixels(
        strip: &Strip,
        image: usize,
        products: Operand<'_>,
        finish: Option<&BlockFinish<'_>>,
        pixels: &mut [f32],
    ) {
        let (products, shape) = (products.values, products.shape);
        assert!(products.len() == shape.block() && strip.tiles() * LANES <= shape.matrix());
        assert!(image < strip.images.len() && pixels.len() == strip.pixels() * LANES);
        assert!(finish.is_none_or(|finish| [0, strip.pixels()].contains(&finish.noise.len())));
        for (tile, y, x) in strip.corners(image) {
            let first = (y - strip.rows.start) * strip.width + x;
            let square = Grid {
                start: &products[tile * LANES..],
                row: shape.side * shape.matrix(),
                column: shape.matrix(),
            };
            let size = [strip.rows.end - y, strip.width - x];
            let mut sink = Clipped {
                pixels: &mut *pixels,
                first,
                width: strip.width,
                size,
                finish,
            };
            // SAFETY: this function is compiled for the instruction set of `S`. The tile is inside
            // every matrix, and the rest of the image is inside the strip.
            unsafe {
                if shape.side == SIDE {
                    separable::<S, Output, SIDE, TILE>(&square, &mut sink);
                } else {
                    separable::<S, UpInputGradient, UP_SIDE, TILE>(&square, &mut sink);
                }
            }
        }
    }
}
