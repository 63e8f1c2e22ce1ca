//! NEON, which every aarch64 CPU supports.

use super::{LANES, Simd, padded};
use std::arch::aarch64::*;

/// One vector is four 4-lane registers.
pub(crate) struct Neon;

impl Simd for Neon {
    const ROWS: usize = 4;
    const VECTORS: usize = 1;
    type Vector = [float32x4_t; 4];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Vector {
        // SAFETY: the caller promises NEON.
        unsafe { [vdupq_n_f32(value); 4] }
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self::Vector {
        // SAFETY: the caller promises NEON and `LANES` readable floats.
        unsafe {
            [
                vld1q_f32(source),
                vld1q_f32(source.add(4)),
                vld1q_f32(source.add(8)),
                vld1q_f32(source.add(12)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self::Vector {
        // SAFETY: the caller promises NEON and `count` readable floats.
        unsafe { Self::load(padded(std::slice::from_raw_parts(source, count)).as_ptr()) }
    }

    #[inline(always)]
    unsafe fn store(target: *mut f32, value: Self::Vector) {
        for (i, quarter) in value.into_iter().enumerate() {
            // SAFETY: the caller promises NEON and `LANES` writable floats.
            unsafe { vst1q_f32(target.add(4 * i), quarter) }
        }
    }

    #[inline(always)]
    unsafe fn add(mut a: Self::Vector, b: Self::Vector) -> Self::Vector {
        for (a, b) in a.iter_mut().zip(b) {
            // SAFETY: the caller promises NEON.
            *a = unsafe { vaddq_f32(*a, b) };
        }
        a
    }

    #[inline(always)]
    unsafe fn sub(mut a: Self::Vector, b: Self::Vector) -> Self::Vector {
        for (a, b) in a.iter_mut().zip(b) {
            // SAFETY: the caller promises NEON.
            *a = unsafe { vsubq_f32(*a, b) };
        }
        a
    }

    #[inline(always)]
    unsafe fn mul(mut a: Self::Vector, b: Self::Vector) -> Self::Vector {
        for (a, b) in a.iter_mut().zip(b) {
            // SAFETY: the caller promises NEON.
            *a = unsafe { vmulq_f32(*a, b) };
        }
        a
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, mut c: Self::Vector) -> Self::Vector {
        for (c, (a, b)) in c.iter_mut().zip(a.into_iter().zip(b)) {
            // SAFETY: the caller promises NEON.
            *c = unsafe { vfmaq_f32(*c, a, b) };
        }
        c
    }

    #[inline(always)]
    unsafe fn select_less(
        a: Self::Vector,
        b: Self::Vector,
        then: Self::Vector,
        mut otherwise: Self::Vector,
    ) -> Self::Vector {
        for (i, otherwise) in otherwise.iter_mut().enumerate() {
            // SAFETY: the caller promises NEON.
            *otherwise = unsafe { vbslq_f32(vcltq_f32(a[i], b[i]), then[i], *otherwise) };
        }
        otherwise
    }

    #[inline(always)]
    unsafe fn transpose(vectors: [Self::Vector; LANES]) -> [Self::Vector; LANES] {
        let mut out = vectors;
        for from in 0..4 {
            for to in 0..4 {
                let mut block = [vectors[4 * from][to]; 4];
                for (i, row) in block.iter_mut().enumerate() {
                    *row = vectors[4 * from + i][to];
                }
                // SAFETY: the caller promises NEON.
                let columns = unsafe { transpose_4(block) };
                for (j, column) in columns.into_iter().enumerate() {
                    out[4 * to + j][from] = column;
                }
            }
        }
        out
    }
}

/// Transposes: lane j of vector i becomes lane i of vector j.
///
/// # Safety
/// The CPU supports NEON.
#[inline(always)]
unsafe fn transpose_4([a, b, c, d]: [float32x4_t; 4]) -> [float32x4_t; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let low = [
            vreinterpretq_f64_f32(vtrn1q_f32(a, b)),
            vreinterpretq_f64_f32(vtrn2q_f32(a, b)),
        ];
        let high = [
            vreinterpretq_f64_f32(vtrn1q_f32(c, d)),
            vreinterpretq_f64_f32(vtrn2q_f32(c, d)),
        ];
        [
            vreinterpretq_f32_f64(vtrn1q_f64(low[0], high[0])),
            vreinterpretq_f32_f64(vtrn1q_f64(low[1], high[1])),
            vreinterpretq_f32_f64(vtrn2q_f64(low[0], high[0])),
            vreinterpretq_f32_f64(vtrn2q_f64(low[1], high[1])),
        ]
    }
}
