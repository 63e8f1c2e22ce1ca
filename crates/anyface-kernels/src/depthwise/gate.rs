//! What happens to a sum of products on its way to memory.

use crate::simd::Simd;

/// The greatest value of ReLU6.
const SIX: f32 = 6.0;

/// Sixteen channels of one pixel after another pass through it.
pub(crate) trait Gate: Copy {
    /// What is stored of `value` at `pixel`.
    ///
    /// # Safety
    /// The machine has the instruction set of `S`, and the gate's bits hold the pixel.
    unsafe fn pass<S: Simd>(self, pixel: usize, value: S::Vector) -> S::Vector;
}

/// Everything passes as it is.
#[derive(Clone, Copy)]
pub(crate) struct Open;

impl Gate for Open {
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

/// ReLU6 that notes which lanes it left alone: those through which a gradient passes.
#[derive(Clone, Copy)]
pub(crate) struct Noting(pub(crate) *mut u16);

impl Gate for Noting {
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

/// The gradient of [`Noting`].
#[derive(Clone, Copy)]
pub(crate) struct Noted(pub(crate) *const u16);

impl Gate for Noted {
    #[inline(always)]
    unsafe fn pass<S: Simd>(self, pixel: usize, value: S::Vector) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe { S::keep(*self.0.add(pixel), value) }
    }
}
