//! Weight demodulation: d = (Σ over in channels and taps of (w·s)² + 1e-8)^(−1/2), and its gradient.

use rayon::prelude::*;

use crate::simd::{Isa, LANES, multiversion};

const EPSILON: f32 = 1e-8;

/// Σ over taps of w², `[out, in]`, from `weight [out, in, taps]`.
pub(crate) fn squared_weights(weight: &[f32], taps: usize) -> Vec<f32> {
    weight
        .par_chunks(taps)
        .with_min_len(4096)
        .map(|w| w.iter().map(|w| w * w).sum())
        .collect()
}

/// d `[N, out]` from squared weights `[out, in]` and styles `[N, in]`.
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
    /// Σ a · b over equally long slices.
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

/// Adds what flows through the demodulation to the gradients of style `[N, in]` and weight
/// `[out, in, taps]`, given Σ over pixels of (gradient · demodulated output) in `sums [N, out]`.
pub(crate) fn add_gradients(
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
            for (factor, squares) in factors
                .iter()
                .zip(squared_weights.chunks_exact(in_channels))
            {
                for ((gradient, style), square) in gradient.iter_mut().zip(style).zip(squares) {
                    *gradient += factor * style * square;
                }
            }
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
        let kernels = gradient
            .chunks_exact_mut(taps)
            .zip(weight.chunks_exact(taps));
        for ((gradient, weight), scale) in kernels.zip(scales) {
            for (gradient, weight) in gradient.iter_mut().zip(weight) {
                *gradient += weight * scale;
            }
        }
    });
}
