//! What follows a convolution: demodulation, noise, bias, activation and clamp; forward and
//! backward.

use crate::simd::{LANES, Simd, multiversion, padded};

/// The non-linearity after noise and bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// None, gain 1.
    Linear,
    /// Leaky ReLU of slope 0.2 with gain √2.
    LeakyRelu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

impl Activation {
    /// Slopes for positive and negative values.
    pub(crate) fn slopes(self) -> [f32; 2] {
        match self {
            Activation::Linear => [1.0, 1.0],
            Activation::LeakyRelu => [std::f32::consts::SQRT_2, 0.2 * std::f32::consts::SQRT_2],
            Activation::Relu6 => [1.0, 0.0],
        }
    }

    /// Upper bound of the activation.
    pub(crate) fn limit(self) -> f32 {
        match self {
            Activation::Linear | Activation::LeakyRelu => f32::INFINITY,
            Activation::Relu6 => 6.0,
        }
    }
}

/// Constants of one output plane.
#[derive(Clone, Copy)]
pub(crate) struct Finish {
    pub(crate) demodulation: f32,
    pub(crate) noise_strength: f32,
    pub(crate) bias: f32,
    /// Slopes for positive and negative values.
    pub(crate) slopes: [f32; 2],
    /// Infinity disables the clamp.
    pub(crate) clamp: f32,
}

/// `y = clamp(activation(convolved · d + noise · strength + bias))`, in place on one row. An empty
/// `noise` means no noise.
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
    /// Applies [`finish_row`] to several rows.
    pub(crate) fn finish_rows(finish: &Finish, noise: &[f32], rows: &mut [f32]) {
        finish_row(finish, noise, rows);
    }
}

/// Constants of 16 interleaved output channels, over a range of pixels.
pub(crate) struct BlockFinish<'a> {
    pub(crate) demodulation: [f32; LANES],
    pub(crate) bias: [f32; LANES],
    /// One value per pixel; empty for no noise.
    pub(crate) noise: &'a [f32],
    pub(crate) noise_strength: f32,
    /// Slopes for positive and negative values.
    pub(crate) slopes: [f32; 2],
    /// Infinity disables the clamp.
    pub(crate) clamp: f32,
}

impl BlockFinish<'_> {
    /// Applies [`finish_row`] to the 16 channels of one pixel, with identical bits.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `S`, and `pixel` is in range of the noise.
    #[inline(always)]
    pub(crate) unsafe fn apply<S: Simd>(&self, pixel: usize, convolved: S::Vector) -> S::Vector {
        // SAFETY: the caller's promise; arrays of `LANES` floats hold a vector.
        unsafe {
            let mut value = S::mul(convolved, S::load(self.demodulation.as_ptr()));
            if !self.noise.is_empty() {
                let noise = *self.noise.get_unchecked(pixel) * self.noise_strength;
                value = S::add(value, S::splat(noise));
            }
            value = S::add(value, S::load(self.bias.as_ptr()));
            let [positive, negative] = self.slopes.map(|slope| S::splat(slope));
            value = S::mul(
                value,
                S::select_less(S::splat(0.0), value, positive, negative),
            );
            let [low, high] = [-self.clamp, self.clamp].map(|bound| S::splat(bound));
            value = S::select_less(value, low, low, value);
            S::select_less(high, value, high, value)
        }
    }
}

/// Sums over one output plane, per lane, of g, the gradient before the activation.
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
    /// Gradients of bias, of noise strength, and of d (times d).
    pub(crate) fn totals(&self) -> [f32; 3] {
        [self.bias, self.noise, self.demodulated].map(|lanes| lanes.iter().sum())
    }
}

/// Writes the gradient before the activation, times the demodulation, to `out`, and adds to `sums`.
///
/// The slope, the clamp and the value before the activation all follow from `y`.
///
/// # Safety
/// The CPU supports the instruction set of `S`.
#[inline(always)]
pub(crate) unsafe fn finish_row_gradient<S: Simd>(
    finish: &Finish,
    noise: &[f32],
    y: &[f32],
    grad_y: &[f32],
    out: &mut [f32],
    sums: &mut PlaneSums,
) {
    let (y, y_rest) = y.as_chunks();
    let (grad_y, grad_rest) = grad_y.as_chunks();
    let (noise, noise_rest) = noise.as_chunks();
    let (out, out_rest) = out.as_chunks_mut();
    // SAFETY: the caller's promise; arrays of `LANES` floats hold a vector.
    unsafe {
        let all = [&sums.bias, &sums.noise, &sums.demodulated];
        let mut totals = all.map(|lanes| S::load(lanes.as_ptr()));
        for (i, ((y, grad_y), out)) in y.iter().zip(grad_y).zip(out).enumerate() {
            let noise = noise.get(i).unwrap_or(&[0.0; LANES]);
            finish_vector_gradient::<S>(finish, noise, y, grad_y, out, &mut totals);
        }
        if !out_rest.is_empty() {
            let mut vector = [0.0; LANES];
            let [noise, y, grad_y] = [noise_rest, y_rest, grad_rest].map(padded);
            finish_vector_gradient::<S>(finish, &noise, &y, &grad_y, &mut vector, &mut totals);
            out_rest.copy_from_slice(&vector[..out_rest.len()]);
        }
        let all = [&mut sums.bias, &mut sums.noise, &mut sums.demodulated];
        for (lanes, total) in all.into_iter().zip(totals) {
            S::store(lanes.as_mut_ptr(), total);
        }
    }
}

multiversion! {
    /// Applies [`finish_row_gradient`] to several rows and returns their sums.
    pub(crate) fn finish_rows_gradient(
        finish: &Finish,
        noise: &[f32],
        y: &[f32],
        grad_y: &[f32],
        out: &mut [f32],
    ) -> PlaneSums {
        let mut sums = PlaneSums::default();
        // SAFETY: this function is compiled for the instruction set of `S`.
        unsafe { finish_row_gradient::<S>(finish, noise, y, grad_y, out, &mut sums) };
        sums
    }
}

/// [`finish_row_gradient`] for one vector.
///
/// # Safety
/// The CPU supports the instruction set of `S`.
#[inline(always)]
unsafe fn finish_vector_gradient<S: Simd>(
    finish: &Finish,
    noise: &[f32; LANES],
    y: &[f32; LANES],
    grad_y: &[f32; LANES],
    out: &mut [f32; LANES],
    [bias, noise_strength, demodulated]: &mut [S::Vector; 3],
) {
    let [positive, negative] = finish.slopes;
    // SAFETY: the caller's promise; arrays of `LANES` floats hold a vector.
    unsafe {
        let [y, grad_y, noise] = [y, grad_y, noise].map(|lanes| S::load(lanes.as_ptr()));
        let [zero, clamp] = [S::splat(0.0), S::splat(finish.clamp)];
        let by_sign =
            |positive, negative| S::select_less(zero, y, S::splat(positive), S::splat(negative));
        // A clamped y does not determine the convolved value, but its gradient is zero there.
        let gradient = S::mul(grad_y, by_sign(positive, negative));
        let gradient = S::select_less(y, clamp, gradient, zero);
        let gradient = S::select_less(S::splat(-finish.clamp), y, gradient, zero);
        S::store(
            out.as_mut_ptr(),
            S::mul(gradient, S::splat(finish.demodulation)),
        );

        let added = S::scale_add(finish.noise_strength, noise, S::splat(finish.bias));
        // Where the slope is zero, y does not determine the value before, but the gradient is zero
        // there.
        let inverse = |slope: f32| if slope == 0.0 { 0.0 } else { slope.recip() };
        let before = S::mul(y, by_sign(inverse(positive), inverse(negative)));
        *bias = S::add(*bias, gradient);
        *noise_strength = S::mul_add(gradient, noise, *noise_strength);
        *demodulated = S::mul_add(gradient, S::sub(before, added), *demodulated);
    }
}
