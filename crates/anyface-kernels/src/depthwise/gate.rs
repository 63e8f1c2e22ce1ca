//! Functions applied to a sum of products before it is stored.

use crate::simd::Simd;

/// Upper bound of ReLU6.
const SIX: f32 = 6.0;

/// An elementwise function of the 16 channels of one pixel.
pub(crate) trait Gate: Copy {
    /// The value stored for `value` at `pixel`.
    ///
    /// # Safety
    /// The CPU supports the instruction set of `S`, and the gate's bits cover the pixel.
    unsafe fn pass<S: Simd>(self, pixel: usize, value: S::Vector) -> S::Vector;
}

/// The identity.
#[derive(Clone, Copy)]
pub(crate) struct Identity;

impl Gate for Identity {
    #[inline(always)]
    unsafe fn pass<S: Simd>(self, _: usize, value: S::Vector) -> S::Vector {
        value
    }
}

/// ReLU6.
#[derive(Clone, Copy)]
pub(crate) struct Relu6;

impl Gate for Relu6 {
    #[inline(always)]
    unsafe fn pass<S: Simd>(self, _: usize, value: S::Vector) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe {
            let [zero, six] = [S::splat(0.0), S::splat(SIX)];
            let value = S::select_less(zero, value, value, zero);
            S::select_less(value, six, value, six)
        }
    }
}

/// ReLU6 that records in bits which lanes it left unchanged; gradients pass through these.
#[derive(Clone, Copy)]
pub(crate) struct RecordingRelu6(pub(crate) *mut u16);

impl Gate for RecordingRelu6 {
    #[inline(always)]
    unsafe fn pass<S: Simd>(self, pixel: usize, value: S::Vector) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe {
            let [zero, six] = [S::splat(0.0), S::splat(SIX)];
            let bits = S::less_bits(zero, value) & S::less_bits(value, six);
            *self.0.add(pixel) = bits;
            Relu6.pass::<S>(pixel, value)
        }
    }
}

/// The gradient of [`RecordingRelu6`], by its bits.
#[derive(Clone, Copy)]
pub(crate) struct Relu6Gradient(pub(crate) *const u16);

impl Gate for Relu6Gradient {
    #[inline(always)]
    unsafe fn pass<S: Simd>(self, pixel: usize, value: S::Vector) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe { S::keep(*self.0.add(pixel), value) }
    }
}
