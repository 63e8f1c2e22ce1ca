//! Down-sampling by 2 with 2×2 means, and its gradient.

use rayon::prelude::*;

use crate::simd::{Isa, multiversion};

/// Rows of the smaller image per thread task.
const ROWS: usize = 64;

/// 2×2 means: planes x `[P, 2H, 2W]` to y `[P, H, W]`.
///
/// # Panics
/// If the length of a slice does not match its shape.
pub fn halve(isa: Isa, width: usize, x: &[f32], y: &mut [f32]) {
    check(width, y, x);
    y.par_chunks_mut(width)
        .zip(x.par_chunks(4 * width))
        .with_min_len(ROWS)
        .for_each(|(y, x)| mean_row(isa, x, y));
}

/// The gradient of x, given the gradient of y: each of the four pixels gets a quarter.
///
/// # Panics
/// See [`halve`].
pub fn halve_gradient(isa: Isa, width: usize, grad_y: &[f32], grad_x: &mut [f32]) {
    check(width, grad_y, grad_x);
    grad_x
        .par_chunks_mut(4 * width)
        .zip(grad_y.par_chunks(width))
        .with_min_len(ROWS)
        .for_each(|(x, y)| spread_row(isa, y, x));
}

fn check(width: usize, small: &[f32], large: &[f32]) {
    assert!(
        small.len().is_multiple_of(width) && large.len() == 4 * small.len(),
        "planes do not match a width of {width}"
    );
}

multiversion! {
    /// Averages two rows into one.
    fn mean_row(x: &[f32], y: &mut [f32]) {
        let (upper, lower) = x.split_at(x.len() / 2);
        let pairs = upper
            .as_chunks::<2>()
            .0
            .iter()
            .zip(lower.as_chunks::<2>().0);
        for (y, (upper, lower)) in y.iter_mut().zip(pairs) {
            *y = ((upper[0] + upper[1]) + (lower[0] + lower[1])) * 0.25;
        }
    }
}

multiversion! {
    /// Spreads one row over two.
    fn spread_row(y: &[f32], x: &mut [f32]) {
        let (upper, lower) = x.split_at_mut(x.len() / 2);
        for (x, y) in upper.as_chunks_mut::<2>().0.iter_mut().zip(y) {
            *x = [y * 0.25; 2];
        }
        lower.copy_from_slice(upper);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_averages_four_pixels_and_its_gradient_is_a_quarter() {
        let (rows, width) = (70, 3);
        let x: Vec<f32> = (0..rows * 4 * width).map(|i| (i % 11) as f32).collect();
        for isa in Isa::available() {
            let mut y = vec![0.0; rows * width];
            halve(isa, width, &x, &mut y);
            let mut back = vec![0.0; x.len()];
            halve_gradient(isa, width, &y, &mut back);
            for (i, &mean) in y.iter().enumerate() {
                let (row, column) = (i / width, i % width);
                let places = [0, 1].map(|k| (2 * row + k) * 2 * width + 2 * column);
                let four = places.map(|place| [place, place + 1]);
                let sum: f32 = four.iter().flatten().map(|&place| x[place]).sum();
                assert_eq!(mean, sum / 4.0, "pixel {i}");
                assert!(
                    four.iter()
                        .flatten()
                        .all(|&place| back[place] == mean / 4.0)
                );
            }
        }
    }
}
