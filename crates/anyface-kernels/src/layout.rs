//! Layouts in which the register tile reads activations, and packing into them.
//!
//! *Planar*: one long line per channel holds the images of a group one after another. Rows of
//! `width` pixels are followed by one zero, images by one row of zeros, and the line has zeros
//! before and after. A neighbour of a pixel is then a fixed step along the line at any resolution,
//! and one zero column serves as the right edge of one row and the left edge of the next.
//!
//! *Interleaved*: the same line with 16 channels per position.

use crate::simd::{LANES, Simd, multiversion};

/// Number of positions that the last register tile of a line may reach past its end.
const OVERSHOOT: usize = LANES;

/// Positions of pixels in a line of `images` images of `height × width`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Distance between rows.
    pub(crate) pitch: usize,
    /// Distance between images.
    pub(crate) image: usize,
    /// Zeros before the first pixel.
    pub(crate) margin: usize,
    /// Length of the line.
    pub(crate) plane: usize,
}

impl Layout {
    /// A line with `padding` (0 or 1) zeros around every image.
    pub(crate) fn new(images: usize, height: usize, width: usize, padding: usize) -> Layout {
        let pitch = width + padding;
        let image = (height + padding) * pitch;
        let reach = padding * (pitch + 1);
        let margin = reach.next_multiple_of(LANES);
        let plane = (margin + images * image + OVERSHOOT + reach).next_multiple_of(LANES);
        Layout {
            images,
            height,
            width,
            pitch,
            image,
            margin,
            plane,
        }
    }

    /// Index in the line of the first pixel of a row.
    #[inline(always)]
    pub(crate) fn row(&self, image: usize, y: usize) -> usize {
        self.margin + image * self.image + y * self.pitch
    }

    /// Start positions, counted from the margin, of the output vectors of `images` images.
    /// `rows_only` skips the padding if rows are whole vectors.
    pub(crate) fn vector_starts(&self, images: usize, rows_only: bool) -> Vec<u32> {
        let position =
            |index: usize| u32::try_from(index).expect("a group has fewer than 2³² positions");
        if rows_only && self.width.is_multiple_of(LANES) {
            let rows = (0..images).flat_map(|image| (0..self.height).map(move |y| (image, y)));
            rows.flat_map(|(image, y)| {
                let row = self.row(image, y) - self.margin;
                (0..self.width)
                    .step_by(LANES)
                    .map(move |x| position(row + x))
            })
            .collect()
        } else {
            (0..images * self.image)
                .step_by(LANES)
                .map(position)
                .collect()
        }
    }

    /// Positions, counted from the margin, of all pixels, image by image and row by row.
    pub(crate) fn pixels(&self, images: usize) -> impl Iterator<Item = usize> {
        let Layout {
            height,
            width,
            pitch,
            image,
            ..
        } = *self;
        (0..images).flat_map(move |n| {
            (0..height).flat_map(move |y| (0..width).map(move |x| n * image + y * pitch + x))
        })
    }
}

multiversion! {
    /// Writes one channel of a group as a line of `layout`:
    /// `line[…] = scale(image) · pixels(image)`.
    ///
    /// `x` begins at the channel in the first image; `image_stride` is the distance between images.
    pub(crate) fn pack_planar(
        layout: &Layout,
        x: &[f32],
        image_stride: usize,
        scales: &[f32],
        scale_stride: usize,
        images: usize,
        line: &mut [f32],
    ) {
        let size = layout.height * layout.width;
        line[..layout.margin].fill(0.0);
        for image in 0..images {
            let plane = &x[image * image_stride..][..size];
            let scale = scales[image * scale_stride];
            for (y, row) in plane.chunks_exact(layout.width).enumerate() {
                let target = &mut line[layout.row(image, y)..][..layout.pitch];
                let (pixels, padding) = target.split_at_mut(layout.width);
                for (target, value) in pixels.iter_mut().zip(row) {
                    *target = value * scale;
                }
                padding.fill(0.0);
            }
            line[layout.row(image, layout.height)..layout.row(image + 1, 0)].fill(0.0);
        }
        line[layout.row(images, 0)..].fill(0.0);
    }
}

multiversion! {
    /// Interleaves up to 16 lines of equal length, each times its scale: `out[position][channel]`.
    /// Missing channels are zero.
    pub(crate) fn interleave(lines: &[&[f32]], scales: &[f32], out: &mut [f32]) {
        let positions = out.len() / LANES;
        assert!(
            lines.len() <= LANES && lines.iter().all(|line| line.len() == positions),
            "up to 16 lines of equal length fill the output"
        );
        let mut factors = [0.0; LANES];
        factors[..lines.len()].copy_from_slice(&scales[..lines.len()]);
        for (block, out) in out.chunks_mut(LANES * LANES).enumerate() {
            let first = block * LANES;
            let count = LANES.min(positions - first);
            // SAFETY: this function is compiled for the instruction set of `S`; a line holds
            // `count` floats from `first` on.
            unsafe {
                let mut rows = [S::splat(0.0); LANES];
                for (row, line) in rows.iter_mut().zip(lines) {
                    let start = line.as_ptr().add(first);
                    *row = if count == LANES {
                        S::load(start)
                    } else {
                        S::load_first(start, count)
                    };
                }
                let factors = S::load(factors.as_ptr());
                for (out, column) in out.chunks_exact_mut(LANES).zip(&S::transpose(rows)) {
                    S::store(out.as_mut_ptr(), S::mul(*column, factors));
                }
            }
        }
    }
}

multiversion! {
    /// Inverse of [`interleave`]: writes `source [position][channel]` to up to 16 lines, from
    /// `start` on.
    pub(crate) fn deinterleave(source: &[f32], start: usize, lines: &mut [&mut [f32]]) {
        let positions = source.len() / LANES;
        assert!(
            lines.len() <= LANES && lines.iter().all(|line| line.len() >= start + positions),
            "up to 16 lines hold all positions"
        );
        for (block, source) in source.chunks(LANES * LANES).enumerate() {
            let first = start + block * LANES;
            let count = source.len() / LANES;
            // SAFETY: this function is compiled for the instruction set of `S`; the source holds
            // `count` vectors and a line `count` floats from `first` on.
            unsafe {
                // Repeats the last of fewer than 16 positions.
                let position = |i: usize| S::load(source.as_ptr().add(i.min(count - 1) * LANES));
                let columns = S::transpose(std::array::from_fn(position));
                for (line, column) in lines.iter_mut().zip(&columns) {
                    if count == LANES {
                        S::store(line.as_mut_ptr().add(first), *column);
                    } else {
                        let mut vector = [0.0; LANES];
                        S::store(vector.as_mut_ptr(), *column);
                        line[first..][..count].copy_from_slice(&vector[..count]);
                    }
                }
            }
        }
    }
}
