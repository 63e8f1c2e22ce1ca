//! The one-dimensional transforms of an up-sampling convolution: four inputs to twelve outputs by
//! nine multiplications. The first five interpolate the even pixels at 0, ±A and ±B, the last
//! four give the odd pixels.

use super::lines::{A, B, Line, NORMS, pair};
use super::{SIDE, TILE, UP_SIDE, UP_TILE};
use crate::simd::Simd;

/// The input polynomial at the points, then the four inputs.
pub(super) struct UpInput;
/// The transpose of [`UpInput`].
pub(super) struct UpInputGradient;
/// The even weights at the points divided by their norms, then the odd weight; all times [`SCALE`].
pub(super) struct UpWeight;
/// The transpose of [`UpWeight`].
pub(super) struct UpWeightGradient;
/// Nine products to nine pixels, then the filter [1, 3, 3, 1], which is [1, 1] applied three times.
pub(super) struct UpOutput;
/// The transpose of [`UpOutput`].
pub(super) struct UpGradient;

impl Line<TILE, UP_SIDE> for UpInput {
    #[inline(always)]
    unsafe fn apply<S: Simd>(x: [S::Vector; TILE]) -> [S::Vector; UP_SIDE] {
        // SAFETY: the caller's promise.
        unsafe {
            let [even_a, odd_a] = [
                S::scale_add(A * A, x[2], x[0]),
                S::scale_add(A * A, x[3], x[1]),
            ];
            let [even_b, odd_b] = [
                S::scale_add(B * B, x[2], x[0]),
                S::scale_add(B * B, x[3], x[1]),
            ];
            let [near_a, far_a] = pair::<S>(even_a, odd_a, A);
            let [near_b, far_b] = pair::<S>(even_b, odd_b, B);
            [x[0], near_a, far_a, near_b, far_b, x[0], x[1], x[2], x[3]]
        }
    }
}

impl Line<UP_SIDE, TILE> for UpInputGradient {
    #[inline(always)]
    unsafe fn apply<S: Simd>(m: [S::Vector; UP_SIDE]) -> [S::Vector; TILE] {
        // SAFETY: the caller's promise.
        unsafe {
            let [sum_a, sum_b] = [S::add(m[1], m[2]), S::add(m[3], m[4])];
            let odd_a = S::mul(S::splat(A), S::sub(m[1], m[2]));
            let odd_b = S::mul(S::splat(B), S::sub(m[3], m[4]));
            [
                S::add(S::add(m[0], m[5]), S::add(sum_a, sum_b)),
                S::add(m[6], S::add(odd_a, odd_b)),
                S::scale_add(B * B, sum_b, S::scale_add(A * A, sum_a, m[7])),
                S::scale_add(B * B, odd_b, S::scale_add(A * A, odd_a, m[8])),
            ]
        }
    }
}

/// Scale of the filter: its taps sum to 8, its gain per dimension is 2.
const SCALE: f32 = 0.25;

impl Line<3, SIDE> for UpWeight {
    #[inline(always)]
    unsafe fn apply<S: Simd>(w: [S::Vector; 3]) -> [S::Vector; SIDE] {
        // SAFETY: the caller's promise.
        unsafe {
            let [norm_0, norm_a, norm_b] = NORMS.map(|norm| SCALE / norm);
            let [near_a, far_a] = pair::<S>(
                S::mul(S::splat(norm_a), w[0]),
                S::mul(S::splat(norm_a), w[2]),
                A,
            );
            let [near_b, far_b] = pair::<S>(
                S::mul(S::splat(norm_b), w[0]),
                S::mul(S::splat(norm_b), w[2]),
                B,
            );
            [
                S::mul(S::splat(norm_0), w[0]),
                near_a,
                far_a,
                near_b,
                far_b,
                S::mul(S::splat(SCALE), w[1]),
            ]
        }
    }
}

impl Line<SIDE, 3> for UpWeightGradient {
    #[inline(always)]
    unsafe fn apply<S: Simd>(u: [S::Vector; SIDE]) -> [S::Vector; 3] {
        // SAFETY: the caller's promise.
        unsafe {
            let [norm_0, norm_a, norm_b] = NORMS.map(|norm| SCALE / norm);
            let [sum_a, sum_b] = [S::add(u[1], u[2]), S::add(u[3], u[4])];
            let [difference_a, difference_b] = [S::sub(u[1], u[2]), S::sub(u[3], u[4])];
            let zero = S::mul(S::splat(norm_0), u[0]);
            [
                S::scale_add(norm_b, sum_b, S::scale_add(norm_a, sum_a, zero)),
                S::mul(S::splat(SCALE), u[5]),
                S::scale_add(
                    B * norm_b,
                    difference_b,
                    S::mul(S::splat(A * norm_a), difference_a),
                ),
            ]
        }
    }
}

/// A²B² and A² + B², coefficients of the polynomial with the roots ±A and ±B.
const PRODUCT: f32 = A * A * B * B;
const SUM: f32 = A * A + B * B;

/// Applies the filter [1, 1].
///
/// # Safety
/// The CPU supports the instruction set of `S`.
#[inline(always)]
unsafe fn spread<S: Simd, const I: usize, const O: usize>(x: [S::Vector; I]) -> [S::Vector; O] {
    let mut out = [x[0]; O];
    out[I] = x[I - 1];
    for i in 1..I {
        // SAFETY: the caller's promise.
        out[i] = unsafe { S::add(x[i - 1], x[i]) };
    }
    out
}

impl Line<UP_SIDE, UP_TILE> for UpOutput {
    #[inline(always)]
    unsafe fn apply<S: Simd>(m: [S::Vector; UP_SIDE]) -> [S::Vector; UP_TILE] {
        // SAFETY: the caller's promise.
        unsafe {
            let [sum_a, sum_b] = [S::add(m[1], m[2]), S::add(m[3], m[4])];
            let odd_a = S::mul(S::splat(A), S::sub(m[1], m[2]));
            let odd_b = S::mul(S::splat(B), S::sub(m[3], m[4]));
            let second = S::scale_add(-A * A, sum_b, S::mul(S::splat(-SUM), m[0]));
            let pixels = [
                S::mul(S::splat(PRODUCT), m[0]),
                m[5],
                S::scale_add(-A * A, odd_b, S::mul(S::splat(-B * B), odd_a)),
                m[6],
                S::scale_add(-B * B, sum_a, second),
                m[7],
                S::add(odd_a, odd_b),
                m[8],
                S::add(m[0], S::add(sum_a, sum_b)),
            ];
            let once = spread::<S, UP_SIDE, { UP_SIDE + 1 }>(pixels);
            let twice = spread::<S, { UP_SIDE + 1 }, { UP_SIDE + 2 }>(once);
            spread::<S, { UP_SIDE + 2 }, UP_TILE>(twice)
        }
    }
}

impl Line<UP_TILE, UP_SIDE> for UpGradient {
    #[inline(always)]
    unsafe fn apply<S: Simd>(g: [S::Vector; UP_TILE]) -> [S::Vector; UP_SIDE] {
        // SAFETY: the caller's promise.
        unsafe {
            let mut pixels = [g[0]; UP_SIDE];
            for (i, out) in pixels.iter_mut().enumerate() {
                *out = S::scale_add(3.0, S::add(g[i + 1], g[i + 2]), S::add(g[i], g[i + 3]));
            }
            let [c0, o0, c1, o1, c2, o2, c3, o3, c4] = pixels;
            let zero = S::scale_add(PRODUCT, c0, S::scale_add(-SUM, c2, c4));
            let [even_a, odd_a] = [S::scale_add(-B * B, c2, c4), S::scale_add(-B * B, c1, c3)];
            let [even_b, odd_b] = [S::scale_add(-A * A, c2, c4), S::scale_add(-A * A, c1, c3)];
            let [near_a, far_a] = pair::<S>(even_a, odd_a, A);
            let [near_b, far_b] = pair::<S>(even_b, odd_b, B);
            [zero, near_a, far_a, near_b, far_b, o0, o1, o2, o3]
        }
    }
}
