//! What follows the convolution: demodulation, noise, bias, activation and clamp; and its gradient.

use crate::simd::LANES;

/// The non-linearity after noise and bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// None, gain 1.
    Linear,
    /// Leaky ReLU of slope 0.2 with gain √2.
    LeakyRelu,
}

impl Activation {
    /// Factors of positive and of negative values.
    pub(crate) fn slopes(self) -> [f32; 2] {
        match self {
            Activation::Linear => [1.0, 1.0],
            Activation::LeakyRelu => [std::f32::consts::SQRT_2, 0.2 * std::f32::consts::SQRT_2],
        }
    }
}

/// Constants of one output plane.
#[derive(Clone, Copy)]
pub(crate) struct Finish {
    pub(crate) demodulation: f32,
    pub(crate) noise_strength: f32,
    pub(crate) bias: f32,
    /// Factors of positive and of negative values.
    pub(crate) slopes: [f32; 2],
    /// Infinity where nothing is clamped.
    pub(crate) clamp: f32,
}

/// `y = clamp(activation(convolved · d + noise · strength + bias))`, in place over one row.
/// An empty `noise` is none.
#[inline(always)]
pub(crate) fn finish_row(finish: &Finish, noise: &[f32], row: &mut [f32]) {
    let Finish { demodulation, noise_strength, bias, slopes, clamp } = *finish;
    let activate = |value: f32| {
        let slope = if value > 0.0 { slopes[0] } else { slopes[1] };
        (value * slope).clamp(-clamp, clamp)
    };
    if noise.is_empty() {
        for value in row {
            *value = activate(*value * demodulation + bias);
        }
    } else {
        for (value, noise) in row.iter_mut().zip(noise) {
            *value = activate(*value * demodulation + noise * noise_strength + bias);
        }
    }
}

/// Sums over one output plane of g, the gradient before the activation; one sum per lane.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PlaneSums {
    /// Σ g.
    bias: [f32; LANES],
    /// Σ g · noise.
    noise: [f32; LANES],
    /// Σ g · (convolved · d).
    demodulated: [f32; LANES],
}

impl PlaneSums {
    /// Gradients of bias, noise strength, and d (times d).
    pub(crate) fn totals(&self) -> [f32; 3] {
        [self.bias, self.noise, self.demodulated].map(|lanes| lanes.iter().sum())
    }
}

/// The gradient before the activation, times the demodulation, in `out`; adds to `sums`.
///
/// `y` alone tells the slope, what was clamped, and the value before the activation.
#[inline(always)]
pub(crate) fn finish_row_gradient(
    finish: &Finish,
    noise: &[f32],
    y: &[f32],
    grad_y: &[f32],
    out: &mut [f32],
    sums: &mut PlaneSums,
) {
    let Finish { demodulation, noise_strength, bias, slopes, clamp } = *finish;
    let inverse = slopes.map(f32::recip);
    let mut totals = *sums;
    let mut one = |lane: usize, y: f32, grad_y: f32, noise: f32| {
        let (slope, inverse) = if y > 0.0 { (slopes[0], inverse[0]) } else { (slopes[1], inverse[1]) };
        // Where y was clamped it no longer tells what was convolved, but there the gradient is zero.
        let gradient = if y.abs() < clamp { grad_y * slope } else { 0.0 };
        totals.bias[lane] += gradient;
        totals.noise[lane] += gradient * noise;
        totals.demodulated[lane] += gradient * (y * inverse - noise * noise_strength - bias);
        gradient * demodulation
    };
    let (y_vectors, y_rest) = y.as_chunks::<LANES>();
    let (grad_vectors, grad_rest) = grad_y.as_chunks::<LANES>();
    let (noise_vectors, noise_rest) = noise.as_chunks::<LANES>();
    let (out_vectors, out_rest) = out.as_chunks_mut::<LANES>();
    for (i, out) in out_vectors.iter_mut().enumerate() {
        let noise = noise_vectors.get(i).unwrap_or(&[0.0; LANES]);
        for lane in 0..LANES {
            out[lane] = one(lane, y_vectors[i][lane], grad_vectors[i][lane], noise[lane]);
        }
    }
    for (lane, out) in out_rest.iter_mut().enumerate() {
        let noise = noise_rest.get(lane).copied().unwrap_or(0.0);
        *out = one(lane, y_rest[lane], grad_rest[lane], noise);
    }
    *sums = totals;
}
