//! Weight demodulation: d = (Σ (w·s)² + 1e-8)^(−1/2), summed over input channels and taps; and its
//! gradient.

use rayon::prelude::*;

use crate::simd::{Isa, LANES, Simd, multiversion};

/// Added to the sum of squares, as in stylegan2-ada-pytorch's `modulated_conv2d`.
const EPSILON: f32 = 1e-8;

/// Weights of a 3×3 kernel.
const TAPS: usize = 9;

/// Σ w² over the taps, `[out, in]`, for `weight [out, in, taps]`.
pub(crate) fn squared_weights(
    isa: Isa,
    weight: &[f32],
    in_channels: usize,
    taps: usize,
) -> Vec<f32> {
    let mut squares = vec![0.0; weight.len() / taps];
    squares
        .par_chunks_mut(in_channels)
        .zip(weight.par_chunks(in_channels * taps))
        .for_each(|(squares, weight)| square_row(isa, weight, taps, squares));
    squares
}

multiversion! {
    /// Σ w² over the taps for one output channel.
    fn square_row(weight: &[f32], taps: usize, squares: &mut [f32]) {
        let (mut weight, mut squares) = (weight, squares);
        // Takes 16 kernels at a time while a vector can be loaded from the start of the last.
        while taps == TAPS && weight.len() >= TAPS * (LANES - 1) + LANES {
            // SAFETY: this function is compiled for the instruction set of `S`; the sizes were just
            // checked.
            unsafe {
                let mut kernels = [S::splat(0.0); LANES];
                for (i, kernel) in kernels.iter_mut().enumerate() {
                    *kernel = S::load(weight.as_ptr().add(i * TAPS));
                }
                let mut sum = S::splat(0.0);
                for tap in &S::transpose(kernels)[..TAPS] {
                    sum = S::mul_add(*tap, *tap, sum);
                }
                S::store(squares.as_mut_ptr(), sum);
            }
            (weight, squares) = (&weight[TAPS * LANES..], &mut squares[LANES..]);
        }
        for (square, kernel) in squares.iter_mut().zip(weight.chunks_exact(taps)) {
            *square = kernel.iter().map(|w| w * w).sum();
        }
    }
}

/// d `[N, out]` for squared weights `[out, in]` and styles `[N, in]`.
pub(crate) fn demodulation(
    isa: Isa,
    squared_weights: &[f32],
    style: &[f32],
    in_channels: usize,
) -> Vec<f32> {
    let squared_style: Vec<f32> = style.iter().map(|s| s * s).collect();
    let per_image = squared_style
        .par_chunks(in_channels)
        .flat_map_iter(|style| {
            let rows = squared_weights.chunks_exact(in_channels);
            rows.map(move |weights| (dot(isa, weights, style) + EPSILON).sqrt().recip())
        });
    per_image.collect()
}

multiversion! {
    /// Σ a · b over slices of equal length.
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0; LANES];
        for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
        sums.iter().sum()
    }
}

/// Adds the gradient through the demodulation to the gradients of style `[N, in]` and weight
/// `[out, in, taps]`, given Σ over pixels of (gradient · demodulated output) in `sums [N, out]`.
pub(crate) fn add_gradients(
    isa: Isa,
    squared_weights: &[f32],
    weight: &[f32],
    style: &[f32],
    demodulation: &[f32],
    sums: &[f32],
    in_channels: usize,
    taps: usize,
    grad_style: &mut [f32],
    grad_weight: Option<&mut [f32]>,
) {
    let out_channels = squared_weights.len() / in_channels;
    // ∂d/∂s = −d³ · s · q and Σ g · conv = sums / d, so the common factor is −sums · d².
    let factors: Vec<f32> = sums
        .iter()
        .zip(demodulation)
        .map(|(sum, d)| -sum * d * d)
        .collect();
    let rows = grad_style
        .par_chunks_mut(in_channels)
        .zip(style.par_chunks(in_channels));
    rows.zip(factors.par_chunks(out_channels))
        .for_each(|((gradient, style), factors)| {
            add_to_style(isa, squared_weights, style, factors, gradient)
        });
    let Some(grad_weight) = grad_weight else {
        return;
    };
    let rows = grad_weight
        .par_chunks_mut(in_channels * taps)
        .zip(weight.par_chunks(in_channels * taps));
    rows.enumerate().for_each(|(co, (gradient, weight))| {
        let mut scales = vec![0.0; in_channels];
        for (style, factors) in style
            .chunks_exact(in_channels)
            .zip(factors.chunks_exact(out_channels))
        {
            for (scale, style) in scales.iter_mut().zip(style) {
                *scale += factors[co] * style * style;
            }
        }
        add_scaled(isa, &scales, weight, taps, gradient);
    });
}

multiversion! {
    /// `gradient += style · Σ factor · squares`, summed over output channels, for one image.
    fn add_to_style(squares: &[f32], style: &[f32], factors: &[f32], gradient: &mut [f32]) {
        for (factor, squares) in factors.iter().zip(squares.chunks_exact(style.len())) {
            for ((gradient, style), square) in gradient.iter_mut().zip(style).zip(squares) {
                *gradient += factor * style * square;
            }
        }
    }
}

multiversion! {
    /// `gradient [in, taps] += scales [in] · weight [in, taps]`.
    fn add_scaled(scales: &[f32], weight: &[f32], taps: usize, gradient: &mut [f32]) {
        const BLOCK: usize = TAPS * LANES;
        let blocks = gradient
            .chunks_mut(taps * LANES)
            .zip(weight.chunks(taps * LANES));
        for ((gradient, weight), scales) in blocks.zip(scales.chunks(LANES)) {
            // Repeats every scale once per tap; the next write overwrites the excess of a vector.
            let mut spread = [0.0; BLOCK + LANES];
            for (i, scale) in scales.iter().enumerate() {
                spread[i * taps..][..LANES].fill(*scale);
            }
            for ((gradient, weight), scale) in gradient.iter_mut().zip(weight).zip(spread) {
                *gradient += weight * scale;
            }
        }
    }
}
