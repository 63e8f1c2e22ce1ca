//! The inner loops of depthwise convolutions, over 16 channels of an image.

use super::gate::{Gate, Identity, RecordingRelu6, Relu6, Relu6Gradient};
use super::plan::{Phase, Plan};
use crate::simd::{Isa, LANES, Simd, multiversion};

/// The [`Gate`] that is applied to a convolution's results.
pub(crate) enum GateKind<'a> {
    /// Identity.
    Identity,
    /// ReLU6.
    Relu6,
    /// ReLU6 that records where gradients pass, one bit per channel, `[pixel]`.
    RecordingRelu6(&'a mut [u16]),
    /// The gradient of ReLU6, by the recorded bits.
    Relu6Gradient(&'a [u16]),
}

impl<'a> GateKind<'a> {
    /// Splits after the first `pixels`.
    pub(crate) fn split(self, pixels: usize) -> (Self, Self) {
        match self {
            GateKind::Identity => (GateKind::Identity, GateKind::Identity),
            GateKind::Relu6 => (GateKind::Relu6, GateKind::Relu6),
            GateKind::RecordingRelu6(bits) => {
                let (first, others) = bits.split_at_mut(pixels);
                (
                    GateKind::RecordingRelu6(first),
                    GateKind::RecordingRelu6(others),
                )
            }
            GateKind::Relu6Gradient(bits) => {
                let (first, others) = bits.split_at(pixels);
                (
                    GateKind::Relu6Gradient(first),
                    GateKind::Relu6Gradient(others),
                )
            }
        }
    }

    /// Whether the bits cover this number of pixels, or the gate has no bits.
    pub(crate) fn covers(&self, pixels: usize) -> bool {
        match self {
            GateKind::Identity | GateKind::Relu6 => true,
            GateKind::RecordingRelu6(bits) => bits.len() == pixels,
            GateKind::Relu6Gradient(bits) => bits.len() == pixels,
        }
    }
}

/// Convolves one image. `frame` is a frame of `plan`, `weights` is `[k·k][16]`, `bias` has one
/// value per channel, `target` is `[pixel][16]`.
///
/// # Panics
/// If the length of a slice does not match its shape.
pub(crate) fn convolve(
    isa: Isa,
    plan: &Plan,
    weights: &[f32],
    bias: &[f32; LANES],
    frame: &[f32],
    target: &mut [f32],
    gate: GateKind<'_>,
) {
    assert_eq!(
        frame.len(),
        plan.frame_len(),
        "length of frame for {plan:?}"
    );
    assert_eq!(
        target.len(),
        plan.target_pixels() * LANES,
        "length of target for {plan:?}"
    );
    assert!(
        gate.covers(plan.target_pixels()),
        "the bits cover all pixels"
    );
    let taps = plan.phases.iter().flat_map(|phase| &phase.taps);
    let last = taps.map(|tap| tap.weight).max().unwrap_or(0);
    assert!(weights.len() >= (last + 1) * LANES, "one weight per tap");
    match gate {
        GateKind::Identity => convolve_identity(isa, plan, weights, bias, frame, target),
        GateKind::Relu6 => convolve_relu6(isa, plan, weights, bias, frame, target),
        GateKind::RecordingRelu6(bits) => {
            convolve_recording(isa, plan, weights, bias, frame, target, bits)
        }
        GateKind::Relu6Gradient(bits) => {
            convolve_gradient(isa, plan, weights, bias, frame, target, bits)
        }
    }
}

multiversion! {
    fn convolve_identity(
        plan: &Plan,
        weights: &[f32],
        bias: &[f32; LANES],
        frame: &[f32],
        target: &mut [f32],
    ) {
        // SAFETY: this function is compiled for the instruction set of `S`; `convolve` checked the
        // lengths.
        unsafe { all_phases::<S, Identity>(plan, weights, bias, frame, target, Identity) }
    }
}

multiversion! {
    fn convolve_relu6(
        plan: &Plan,
        weights: &[f32],
        bias: &[f32; LANES],
        frame: &[f32],
        target: &mut [f32],
    ) {
        // SAFETY: as above.
        unsafe { all_phases::<S, Relu6>(plan, weights, bias, frame, target, Relu6) }
    }
}

multiversion! {
    fn convolve_recording(
        plan: &Plan,
        weights: &[f32],
        bias: &[f32; LANES],
        frame: &[f32],
        target: &mut [f32],
        bits: &mut [u16],
    ) {
        let gate = RecordingRelu6(bits.as_mut_ptr());
        // SAFETY: as above.
        unsafe { all_phases::<S, _>(plan, weights, bias, frame, target, gate) }
    }
}

multiversion! {
    fn convolve_gradient(
        plan: &Plan,
        weights: &[f32],
        bias: &[f32; LANES],
        frame: &[f32],
        target: &mut [f32],
        bits: &[u16],
    ) {
        let gate = Relu6Gradient(bits.as_ptr());
        // SAFETY: as above.
        unsafe { all_phases::<S, _>(plan, weights, bias, frame, target, gate) }
    }
}

/// # Safety
/// The CPU supports the instruction set of `S`; slices and gate have the lengths that [`convolve`]
/// requires.
#[inline(always)]
unsafe fn all_phases<S: Simd, G: Gate>(
    plan: &Plan,
    weights: &[f32],
    bias: &[f32; LANES],
    frame: &[f32],
    target: &mut [f32],
    gate: G,
) {
    for phase in &plan.phases {
        let grid = Grid {
            phase,
            weights: weights.as_ptr(),
            bias,
            frame: frame.as_ptr(),
            target: target.as_mut_ptr(),
            gate,
        };
        // SAFETY: the caller's promise. Constant steps save address arithmetic.
        unsafe {
            match phase.source_steps[1] {
                LANES => grid.all::<S, LANES>(),
                DOUBLE => grid.all::<S, DOUBLE>(),
                step => unreachable!("a step of {step}"),
            }
        }
    }
}

/// Floats between every second pixel.
const DOUBLE: usize = 2 * LANES;

/// The pixels of one phase.
struct Grid<'a, G> {
    phase: &'a Phase,
    weights: *const f32,
    bias: &'a [f32; LANES],
    frame: *const f32,
    target: *mut f32,
    gate: G,
}

impl<G: Gate> Grid<'_, G> {
    /// # Safety
    /// The CPU supports the instruction set of `S`. Frame and target contain the pixels of the
    /// phase, which lie `STEP` floats apart.
    #[inline(always)]
    unsafe fn all<S: Simd, const STEP: usize>(&self) {
        let [_, columns] = self.phase.size;
        let mut column = 0;
        // SAFETY: the caller's promise.
        unsafe {
            if S::ROWS * S::VECTORS >= 16 {
                while column + 16 <= columns {
                    self.strip::<S, STEP, 1, 16>(column);
                    column += 16;
                }
                while column + 8 <= columns {
                    self.strip::<S, STEP, 2, 8>(column);
                    column += 8;
                }
                while column + 4 <= columns {
                    self.strip::<S, STEP, 4, 4>(column);
                    column += 4;
                }
            }
            while column + 4 <= columns {
                self.strip::<S, STEP, 1, 4>(column);
                column += 4;
            }
            while column < columns {
                self.strip::<S, STEP, 4, 1>(column);
                column += 1;
            }
        }
    }

    /// Computes `C` pixels from `column` on in all rows, `R` rows at a time.
    ///
    /// # Safety
    /// See [`Grid::all`].
    #[inline(always)]
    unsafe fn strip<S: Simd, const STEP: usize, const R: usize, const C: usize>(
        &self,
        column: usize,
    ) {
        let [rows, _] = self.phase.size;
        let mut row = 0;
        // SAFETY: the caller's promise.
        unsafe {
            while row + R <= rows {
                self.pixels::<S, STEP, R, C>(row, column);
                row += R;
            }
            while row < rows {
                self.pixels::<S, STEP, 1, C>(row, column);
                row += 1;
            }
        }
    }

    /// Computes `R · C` pixels with their sums in registers.
    ///
    /// # Safety
    /// See [`Grid::all`].
    #[inline(always)]
    unsafe fn pixels<S: Simd, const STEP: usize, const R: usize, const C: usize>(
        &self,
        row: usize,
        column: usize,
    ) {
        let phase = self.phase;
        // SAFETY: the caller's promise; the taps of a pixel's window lie inside the frame.
        unsafe {
            let mut sums = [[S::load(self.bias.as_ptr()); C]; R];
            let first = self.frame.add(row * phase.source_steps[0] + column * STEP);
            for tap in &phase.taps {
                let weight = S::load(self.weights.add(tap.weight * LANES));
                let source = first.add(tap.offset);
                for (r, sums) in sums.iter_mut().enumerate() {
                    let source = source.add(r * phase.source_steps[0]);
                    for (c, sum) in sums.iter_mut().enumerate() {
                        *sum = S::mul_add(S::load(source.add(c * STEP)), weight, *sum);
                    }
                }
            }
            let [row_step, column_step] = phase.target_steps;
            for (r, sums) in sums.into_iter().enumerate() {
                for (c, sum) in sums.into_iter().enumerate() {
                    let pixel = phase.first + (row + r) * row_step + (column + c) * column_step;
                    let value = self.gate.pass::<S>(pixel, sum);
                    S::store(self.target.add(pixel * LANES), value);
                }
            }
        }
    }
}

multiversion! {
    /// Adds the gradient of the weights to `sums [k·k][16]`: for each tap of the plan's only phase,
    /// the products of `gradient [pixel][16]` with the frame values that the tap reads.
    pub(crate) fn add_weight_gradient(
        plan: &Plan,
        frame: &[f32],
        gradient: &[f32],
        sums: &mut [f32],
    ) {
        assert_eq!(
            frame.len(),
            plan.frame_len(),
            "length of frame for {plan:?}"
        );
        let len = plan.target_pixels() * LANES;
        assert_eq!(gradient.len(), len, "length of gradient for {plan:?}");
        let [phase] = &plan.phases[..] else {
            panic!("a forward plan has one phase")
        };
        assert_eq!(sums.len(), phase.taps.len() * LANES, "one sum per weight");
        let [rows, columns] = phase.size;
        for taps in phase.taps.chunks(TAPS) {
            // SAFETY: this function is compiled for the instruction set of `S`; a plan's windows
            // lie in its frame, and the lengths were checked.
            unsafe {
                let mut totals = [S::splat(0.0); TAPS];
                for (total, tap) in totals.iter_mut().zip(taps) {
                    *total = S::load(sums.as_ptr().add(tap.weight * LANES));
                }
                for row in 0..rows {
                    let source = frame.as_ptr().add(row * phase.source_steps[0]);
                    let gradient = gradient.as_ptr().add(row * columns * LANES);
                    for column in 0..columns {
                        let factor = S::load(gradient.add(column * LANES));
                        let source = source.add(column * phase.source_steps[1]);
                        for (total, tap) in totals.iter_mut().zip(taps) {
                            *total = S::mul_add(factor, S::load(source.add(tap.offset)), *total);
                        }
                    }
                }
                for (total, tap) in totals.into_iter().zip(taps) {
                    S::store(sums.as_mut_ptr().add(tap.weight * LANES), total);
                }
            }
        }
    }
}

/// Number of weights whose gradients stay in registers during one pass over the pixels.
const TAPS: usize = 9;
