//! CLIP's activation `x·σ(1.702·x)`, and its gradient.

use rayon::prelude::*;

use crate::simd::{Isa, multiversion};

/// Values per thread task.
const VALUES: usize = 16 * 1024;
/// The factor of OpenAI's `QuickGELU` (`clip/model.py`).
const SLOPE: f32 = 1.702;

/// `y = x·σ(1.702·x)`.
///
/// # Panics
/// If the slices have different lengths.
pub fn quick_gelu(isa: Isa, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "values of x and of y");
    y.par_chunks_mut(VALUES)
        .zip(x.par_chunks(VALUES))
        .for_each(|(y, x)| activate(isa, x, y));
}

/// Adds the gradient of x, given the gradient of y.
///
/// # Panics
/// If the slices have different lengths.
pub fn quick_gelu_gradient(isa: Isa, x: &[f32], grad_y: &[f32], grad_x: &mut [f32]) {
    assert_eq!(x.len(), grad_y.len(), "values of x and of the gradient");
    assert_eq!(x.len(), grad_x.len(), "values of x and of its gradient");
    grad_x
        .par_chunks_mut(VALUES)
        .zip(x.par_chunks(VALUES).zip(grad_y.par_chunks(VALUES)))
        .for_each(|(grad_x, (x, grad_y))| add_gradient(isa, x, grad_y, grad_x));
}

multiversion! {
    fn activate(x: &[f32], y: &mut [f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x * sigmoid(SLOPE * x);
        }
    }
}

multiversion! {
    fn add_gradient(x: &[f32], grad_y: &[f32], grad_x: &mut [f32]) {
        for (grad_x, (&x, &grad_y)) in grad_x.iter_mut().zip(x.iter().zip(grad_y)) {
            let sigmoid = sigmoid(SLOPE * x);
            *grad_x += grad_y * sigmoid * (1.0 + SLOPE * x * (1.0 - sigmoid));
        }
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exponential(-x))
}

/// `eˣ` with a relative error below 2·10⁻⁷, for x from −87 to 87; x is clamped to this range. There
/// is no branch, so the compiler vectorises it.
///
/// `eˣ = 2ⁿ·eʳ` with `n` the nearest integer to `x/ln 2`. The polynomial of `eʳ` is Cephes' `expf`.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    /// 1.5·2²³: adding it rounds to an integer in the low bits of the significand.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts. The first has few bits, so its product with n is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = x.clamp(-87.0, 87.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    let r = x - n * LN_2[0] - n * LN_2[1];
    let mut polynomial = 1.987_569_1e-4;
    for coefficient in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        polynomial = polynomial * r + coefficient;
    }
    let power = polynomial * r * r + r + 1.0;
    // Adds n to the exponent.
    f32::from_bits(power.to_bits().wrapping_add(rounded.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Vec<f32> {
        (-4000..4000).map(|i| i as f32 * 0.025).collect()
    }

    #[test]
    fn the_exponential_matches_the_standard_library() {
        for x in values().into_iter().filter(|x| x.abs() <= 87.0) {
            let expected = f64::from(x).exp();
            let error = (f64::from(exponential(x)) / expected - 1.0).abs();
            assert!(error < 2e-7, "{x}: {error}");
        }
    }

    #[test]
    fn values_and_gradients_match_doubles() {
        let x = values();
        let sigmoid = |x: f64| 1.0 / (1.0 + (-1.702 * x).exp());
        for isa in Isa::available() {
            let mut y = vec![0.0; x.len()];
            quick_gelu(isa, &x, &mut y);
            let mut grad_x = vec![1.0; x.len()];
            quick_gelu_gradient(isa, &x, &vec![2.0; x.len()], &mut grad_x);
            for ((&x, y), grad_x) in x.iter().zip(y).zip(grad_x) {
                let x = f64::from(x);
                let close = |found: f32, expected: f64| {
                    let error = (f64::from(found) - expected).abs();
                    assert!(error < 1e-6 * (1.0 + expected.abs()), "{x}: {found}");
                };
                close(y, x * sigmoid(x));
                let slope = sigmoid(x) * (1.0 + 1.702 * x * (1.0 - sigmoid(x)));
                close(grad_x, 1.0 + 2.0 * slope);
            }
        }
    }
}
