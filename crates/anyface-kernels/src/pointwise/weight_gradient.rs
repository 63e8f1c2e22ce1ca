//! The gradient of a weight matrix: products of planes summed over all pixels.

use rayon::prelude::*;

use crate::simd::{Isa, LANES, Simd, multiversion};
use crate::workspace::scratch;

/// Output channels per thread task.
const ROWS: usize = 8;

/// Pixels of one image to sum before moving on to other channels: those of [`ROWS`] outputs stay in
/// the L1 cache.
const PIXELS: usize = 512;

/// `out [outputs, inputs]` = Σ over images and pixels of `gradient [N, outputs, pixels]` ·
/// `x [N, inputs, pixels]`.
pub(super) fn weight_gradient(
    isa: Isa,
    [outputs, inputs, pixels]: [usize; 3],
    gradient: &[f32],
    x: &[f32],
    out: &mut [f32],
) {
    out.par_chunks_mut(ROWS * inputs)
        .enumerate()
        .for_each(|(tile, out)| {
            let rows = out.len() / inputs;
            // Sums in 16 lanes for every pair of channels: `[row][input][16]`, inputs padded to
            // whole vectors.
            let columns = inputs.next_multiple_of(LANES);
            let mut sums = scratch(rows * columns * LANES);
            sums.fill(0.0);
            let images = gradient
                .chunks_exact(outputs * pixels)
                .zip(x.chunks_exact(inputs * pixels));
            for (gradient, x) in images {
                let gradient = &gradient[tile * ROWS * pixels..][..rows * pixels];
                for first in (0..pixels).step_by(PIXELS) {
                    let range = [first, (first + PIXELS).min(pixels)];
                    add_products(isa, [rows, inputs, pixels], range, gradient, x, &mut sums);
                }
            }
            for (out, sums) in out
                .chunks_exact_mut(inputs)
                .zip(sums.chunks_exact(columns * LANES))
            {
                add_lanes(isa, sums, out);
            }
        });
}

multiversion! {
    /// Adds the products of a range of pixels to `sums [row][input][16]`.
    fn add_products(
        shape: [usize; 3],
        range: [usize; 2],
        gradient: &[f32],
        x: &[f32],
        sums: &mut [f32],
    ) {
        let [rows, inputs, pixels] = shape;
        let columns = inputs.next_multiple_of(LANES);
        assert!(
            gradient.len() == rows * pixels && x.len() == inputs * pixels,
            "planes"
        );
        assert!(
            range[1] <= pixels && range[0].is_multiple_of(LANES),
            "the range is whole vectors of the planes"
        );
        assert!(sums.len() >= rows * columns * LANES, "sums cover all pairs");
        let block = Block {
            range,
            pixels,
            columns,
            gradient,
            x,
            sums: sums.as_mut_ptr(),
        };
        let mut row = 0;
        // SAFETY: this function is compiled for the instruction set of `S`; the lengths were
        // checked.
        unsafe {
            if S::ROWS * S::VECTORS >= 24 {
                while row + 8 <= rows {
                    block.rows::<S, 8, 3>(row, inputs);
                    row += 8;
                }
            }
            while row + 2 <= rows {
                block.rows::<S, 2, 2>(row, inputs);
                row += 2;
            }
            while row < rows {
                block.rows::<S, 1, 2>(row, inputs);
                row += 1;
            }
        }
    }
}

/// A range of pixels in the planes of one image.
struct Block<'a> {
    /// First pixel and one past the last.
    range: [usize; 2],
    pixels: usize,
    /// Inputs padded to whole vectors.
    columns: usize,
    gradient: &'a [f32],
    x: &'a [f32],
    sums: *mut f32,
}

impl Block<'_> {
    /// Computes `R` rows for all inputs, `C` at a time.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `S`, and the block contains these rows and inputs.
    #[inline(always)]
    unsafe fn rows<S: Simd, const R: usize, const C: usize>(&self, row: usize, inputs: usize) {
        let mut input = 0;
        // SAFETY: the caller's promise.
        unsafe {
            while input + C <= inputs {
                self.tile::<S, R, C>(row, input);
                input += C;
            }
            while input < inputs {
                self.tile::<S, R, 1>(row, input);
                input += 1;
            }
        }
    }

    /// Computes `R` rows for `C` inputs.
    ///
    /// # Safety
    /// See [`Block::rows`].
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const C: usize>(&self, row: usize, input: usize) {
        // SAFETY: the caller's promise; the range consists of whole vectors.
        unsafe {
            let place = |r: usize, c: usize| {
                self.sums
                    .add(((row + r) * self.columns + input + c) * LANES)
            };
            let mut sums: [[S::Vector; C]; R] =
                std::array::from_fn(|r| std::array::from_fn(|c| S::load(place(r, c))));
            let gradient = self.gradient.as_ptr().add(row * self.pixels);
            let x = self.x.as_ptr().add(input * self.pixels);
            let mut pixel = self.range[0];
            while pixel < self.range[1] {
                let inputs: [S::Vector; C] =
                    std::array::from_fn(|c| S::load(x.add(c * self.pixels + pixel)));
                for (r, sums) in sums.iter_mut().enumerate() {
                    let factor = S::load(gradient.add(r * self.pixels + pixel));
                    for (sum, input) in sums.iter_mut().zip(inputs) {
                        *sum = S::mul_add(factor, input, *sum);
                    }
                }
                pixel += LANES;
            }
            for (r, sums) in sums.into_iter().enumerate() {
                for (c, sum) in sums.into_iter().enumerate() {
                    S::store(place(r, c), sum);
                }
            }
        }
    }
}

multiversion! {
    /// Reduces 16 lanes per sum: `sums [element][16]`, elements padded to whole vectors, to `out`.
    fn add_lanes(sums: &[f32], out: &mut [f32]) {
        assert_eq!(
            sums.len(),
            out.len().next_multiple_of(LANES) * LANES,
            "16 lanes per sum"
        );
        for (sums, out) in sums.chunks_exact(LANES * LANES).zip(out.chunks_mut(LANES)) {
            let mut totals = [0.0; LANES];
            // SAFETY: this function is compiled for the instruction set of `S`; a chunk is 16
            // vectors.
            unsafe {
                let vector = |i: usize| S::load(sums.as_ptr().add(i * LANES));
                let lanes = S::transpose(std::array::from_fn(vector));
                let mut total = lanes[0];
                for lane in &lanes[1..] {
                    total = S::add(total, *lane);
                }
                S::store(totals.as_mut_ptr(), total);
            }
            out.copy_from_slice(&totals[..out.len()]);
        }
    }
}
