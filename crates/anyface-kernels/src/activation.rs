//! What follows the convolution: demodulation, noise, bias, activation and clamp; and its gradient.

use crate::simd::{LANES, multiversion, padded};

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
    let Finish {
        demodulation,
        noise_strength,
        bias,
        slopes,
        clamp,
    } = *finish;
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

multiversion! {
    /// [`finish_row`] of several rows.
    pub(crate) fn finish_rows(finish: &Finish, noise: &[f32], rows: &mut [f32]) {
        finish_row(finish, noise, rows);
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
    let (y_vectors, y_rest) = y.as_chunks::<LANES>();
    let (grad_vectors, grad_rest) = grad_y.as_chunks::<LANES>();
    let (noise_vectors, noise_rest) = noise.as_chunks::<LANES>();
    let (out_vectors, out_rest) = out.as_chunks_mut::<LANES>();
    let mut totals = *sums;
    for (i, ((y, grad_y), out)) in y_vectors
        .iter()
        .zip(grad_vectors)
        .zip(out_vectors)
        .enumerate()
    {
        let noise = noise_vectors.get(i).unwrap_or(&[0.0; LANES]);
        finish_vector_gradient(finish, noise, y, grad_y, out, &mut totals);
    }
    if !out_rest.is_empty() {
        let mut vector = [0.0; LANES];
        let [noise, y, grad_y] = [noise_rest, y_rest, grad_rest].map(padded);
        finish_vector_gradient(finish, &noise, &y, &grad_y, &mut vector, &mut totals);
        out_rest.copy_from_slice(&vector[..out_rest.len()]);
    }
    *sums = totals;
}

multiversion! {
    /// [`finish_row_gradient`] of several rows, with their sums.
    pub(crate) fn finish_rows_gradient(
        finish: &Finish, noise: &[f32], y: &[f32], grad_y: &[f32], out: &mut [f32],
    ) -> PlaneSums {
        let mut sums = PlaneSums::default();
        finish_row_gradient(finish, noise, y, grad_y, out, &mut sums);
        sums
    }
}

/// [`finish_row_gradient`] of one vector. Each loop is one the compiler turns into vector instructions.
#[inline(always)]
fn finish_vector_gradient(
    finish: &Finish,
    noise: &[f32; LANES],
    y: &[f32; LANES],
    grad_y: &[f32; LANES],
    out: &mut [f32; LANES],
    sums: &mut PlaneSums,
) {
    let Finish {
        demodulation,
        noise_strength,
        bias,
        slopes,
        clamp,
    } = *finish;
    let inverse = slopes.map(f32::recip);
    let mut gradient = [0.0; LANES];
    for lane in 0..LANES {
        let slope = if y[lane] > 0.0 { slopes[0] } else { slopes[1] };
        // Where y was clamped it does not tell what was convolved, but there the gradient is zero.
        gradient[lane] = if y[lane].abs() < clamp {
            grad_y[lane] * slope
        } else {
            0.0
        };
    }
    *out = gradient.map(|gradient| gradient * demodulation);
    for (sum, gradient) in sums.bias.iter_mut().zip(gradient) {
        *sum += gradient;
    }
    for lane in 0..LANES {
        sums.noise[lane] += gradient[lane] * noise[lane];
    }
    for lane in 0..LANES {
        let inverse = if y[lane] > 0.0 {
            inverse[0]
        } else {
            inverse[1]
        };
        sums.demodulated[lane] +=
            gradient[lane] * (y[lane] * inverse - noise[lane] * noise_strength - bias);
    }
}
