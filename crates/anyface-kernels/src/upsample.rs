//! The skip connection of a synthesis network: adds the up-sampled colours of the lower resolution
//! to those of the higher.

use rayon::prelude::*;

use crate::simd::{Isa, multiversion};
use crate::workspace::scratch;

/// Rows of x per thread task.
const ROWS: usize = 32;

/// Up-samples planes x `[P, H, W]` by 2 and adds them to y `[P, 2H, 2W]`: zeros between the pixels,
/// then the filter [1, 3, 3, 1] ⊗ [1, 3, 3, 1] with gain 4 (`upfirdn2d.upsample2d` of
/// stylegan2-ada-pytorch). Padding is zero.
///
/// # Panics
/// If the length of a slice does not match its shape.
pub fn add_upsampled(isa: Isa, [height, width]: [usize; 2], x: &[f32], y: &mut [f32]) {
    assert!(
        x.len().is_multiple_of(height * width) && y.len() == 4 * x.len(),
        "planes do not match {height} × {width} and twice that"
    );
    let strips = y.par_chunks_mut(4 * width);
    strips
        .enumerate()
        .with_min_len(ROWS)
        .for_each(|(index, y)| {
            let (start, row) = (index / height * height, index % height);
            let line = |row: usize| &x[(start + row) * width..][..width];
            let above = row.checked_sub(1).map(line);
            let below = (row + 1 < height).then(|| line(row + 1));
            let mut blended = scratch(width + 2);
            let (upper, lower) = y.split_at_mut(2 * width);
            add_row(isa, line(row), above, &mut blended, upper);
            add_row(isa, line(row), below, &mut blended, lower);
        });
}

multiversion! {
    /// Adds to a row of y the contributions of the nearest row of x and of the next nearest.
    /// `blended` is scratch memory.
    fn add_row(near: &[f32], far: Option<&[f32]>, blended: &mut [f32], y: &mut [f32]) {
        blended.fill(0.0);
        let width = near.len();
        for (i, out) in blended[1..][..width].iter_mut().enumerate() {
            *out = far.map_or(0.0, |far| far[i]) * 0.25 + near[i] * 0.75;
        }
        for (y, x) in y.as_chunks_mut::<2>().0.iter_mut().zip(blended.windows(3)) {
            y[0] += x[0] * 0.25 + x[1] * 0.75;
            y[1] += x[2] * 0.25 + x[1] * 0.75;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares all pixels, including edges, with the definition.
    #[test]
    fn every_pixel_matches_the_definition() {
        let (planes, height, width) = (2, 3, 21);
        let x: Vec<f32> = (0..planes * height * width)
            .map(|i| (i as f32 * 0.7).sin())
            .collect();
        let at = |plane: usize, i: isize, j: isize| {
            let inside = (0..height as isize).contains(&i) && (0..width as isize).contains(&j);
            if inside {
                x[(plane * height + i as usize) * width + j as usize]
            } else {
                0.0
            }
        };
        // Output 2i + p takes 3/4 of input i and 1/4 of the input before (p = 0) or after it (p =
        // 1).
        let sources = |o: usize| {
            let i = (o / 2) as isize;
            [
                (i, 0.75),
                (if o.is_multiple_of(2) { i - 1 } else { i + 1 }, 0.25),
            ]
        };
        for isa in Isa::available() {
            let mut y = vec![1.0; 4 * x.len()];
            add_upsampled(isa, [height, width], &x, &mut y);
            for (index, y) in y.iter().enumerate() {
                let (row, column) = (index / (2 * width), index % (2 * width));
                let (plane, row) = (row / (2 * height), row % (2 * height));
                let mut expected = 1.0;
                for (i, a) in sources(row) {
                    for (j, b) in sources(column) {
                        expected += a * b * at(plane, i, j);
                    }
                }
                assert!(
                    (y - expected).abs() < 1e-5,
                    "{index}: {y} is not {expected}"
                );
            }
        }
    }
}
