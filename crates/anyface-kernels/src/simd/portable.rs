//! Plain arrays, which the compiler maps to the target's instructions.

use super::{LANES, Simd};
use std::array::from_fn;

/// A vector is an array.
pub(crate) struct Portable;

impl Simd for Portable {
    const ROWS: usize = 2;
    const VECTORS: usize = 1;
    type Vector = [f32; LANES];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Vector {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self::Vector {
        // SAFETY: the caller's promise; `read_unaligned` needs no alignment.
        unsafe { source.cast::<Self::Vector>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self::Vector {
        // SAFETY: the caller's promise.
        super::padded(unsafe { std::slice::from_raw_parts(source, count) })
    }

    #[inline(always)]
    unsafe fn store(target: *mut f32, value: Self::Vector) {
        // SAFETY: the caller's promise; `write_unaligned` needs no alignment.
        unsafe { target.cast::<Self::Vector>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        from_fn(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        from_fn(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    unsafe fn select_less(
        a: Self::Vector,
        b: Self::Vector,
        then: Self::Vector,
        otherwise: Self::Vector,
    ) -> Self::Vector {
        from_fn(|lane| {
            if a[lane] < b[lane] {
                then[lane]
            } else {
                otherwise[lane]
            }
        })
    }

    #[inline(always)]
    unsafe fn transpose(vectors: [Self::Vector; LANES]) -> [Self::Vector; LANES] {
        from_fn(|i| from_fn(|j| vectors[j][i]))
    }
}
