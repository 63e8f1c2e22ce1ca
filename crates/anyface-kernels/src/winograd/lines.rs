//! The one-dimensional transforms of F(4, 3).
//!
//! The interpolation points are 0, ±5/8, ±3/2 and ∞. In f32 their error is a third of that of 0,
//! ±1, ±2, ∞, and all constants of A and B are exact.

use super::{SIDE, TILE};
use crate::simd::Simd;

/// The interpolation points ±A and ±B.
pub(super) const A: f32 = 0.625;
pub(super) const B: f32 = 1.5;

/// Π over q ≠ p of (p − q), for the points p = 0, ±A, ±B.
pub(super) const NORMS: [f32; 3] = [
    A * A * B * B,
    2.0 * A * A * (A * A - B * B),
    2.0 * B * B * (B * B - A * A),
];

/// A linear transform of `I` vectors to `O` vectors.
pub(super) trait Line<const I: usize, const O: usize> {
    /// # Safety
    /// The CPU supports the instruction set of `S`.
    unsafe fn apply<S: Simd>(line: [S::Vector; I]) -> [S::Vector; O];
}

/// `Bᵀ x` of six pixels.
pub(super) struct Input;
/// `Aᵀ m`: six products to four outputs.
pub(super) struct Output;
/// `A g`, the transpose of [`Output`].
pub(super) struct Gradient;
/// `G w` of three weights.
pub(super) struct Weight;
/// `Gᵀ u`, the transpose of [`Weight`].
pub(super) struct WeightGradient;

/// `even ± point · odd`.
///
/// # Safety
/// The CPU supports the instruction set of `S`.
#[inline(always)]
pub(super) unsafe fn pair<S: Simd>(even: S::Vector, odd: S::Vector, point: f32) -> [S::Vector; 2] {
    // SAFETY: the caller's promise.
    unsafe {
        [
            S::scale_add(point, odd, even),
            S::scale_add(-point, odd, even),
        ]
    }
}

impl Line<SIDE, SIDE> for Input {
    #[inline(always)]
    unsafe fn apply<S: Simd>(x: [S::Vector; SIDE]) -> [S::Vector; SIDE] {
        const PRODUCT: f32 = A * A * B * B;
        const SUM: f32 = A * A + B * B;
        // SAFETY: the caller's promise.
        unsafe {
            let [even_a, odd_a] = [
                S::scale_add(-B * B, x[2], x[4]),
                S::scale_add(-B * B, x[1], x[3]),
            ];
            let [even_b, odd_b] = [
                S::scale_add(-A * A, x[2], x[4]),
                S::scale_add(-A * A, x[1], x[3]),
            ];
            let [near_a, far_a] = pair::<S>(even_a, odd_a, A);
            let [near_b, far_b] = pair::<S>(even_b, odd_b, B);
            let zero = S::scale_add(PRODUCT, x[0], S::scale_add(-SUM, x[2], x[4]));
            let infinity = S::scale_add(PRODUCT, x[1], S::scale_add(-SUM, x[3], x[5]));
            [zero, near_a, far_a, near_b, far_b, infinity]
        }
    }
}

impl Line<SIDE, TILE> for Output {
    #[inline(always)]
    unsafe fn apply<S: Simd>(m: [S::Vector; SIDE]) -> [S::Vector; TILE] {
        // SAFETY: the caller's promise.
        unsafe {
            let [sum_a, sum_b] = [S::add(m[1], m[2]), S::add(m[3], m[4])];
            let odd_a = S::mul(S::splat(A), S::sub(m[1], m[2]));
            let odd_b = S::mul(S::splat(B), S::sub(m[3], m[4]));
            [
                S::add(m[0], S::add(sum_a, sum_b)),
                S::add(odd_a, odd_b),
                S::scale_add(B * B, sum_b, S::mul(S::splat(A * A), sum_a)),
                S::scale_add(B * B, odd_b, S::scale_add(A * A, odd_a, m[5])),
            ]
        }
    }
}

impl Line<TILE, SIDE> for Gradient {
    #[inline(always)]
    unsafe fn apply<S: Simd>(g: [S::Vector; TILE]) -> [S::Vector; SIDE] {
        // SAFETY: the caller's promise.
        unsafe {
            let [even_a, odd_a] = [
                S::scale_add(A * A, g[2], g[0]),
                S::scale_add(A * A, g[3], g[1]),
            ];
            let [even_b, odd_b] = [
                S::scale_add(B * B, g[2], g[0]),
                S::scale_add(B * B, g[3], g[1]),
            ];
            let [near_a, far_a] = pair::<S>(even_a, odd_a, A);
            let [near_b, far_b] = pair::<S>(even_b, odd_b, B);
            [g[0], near_a, far_a, near_b, far_b, g[3]]
        }
    }
}

impl Line<3, SIDE> for Weight {
    #[inline(always)]
    unsafe fn apply<S: Simd>(w: [S::Vector; 3]) -> [S::Vector; SIDE] {
        // SAFETY: the caller's promise.
        unsafe {
            let [norm_0, norm_a, norm_b] = [
                S::splat(1.0 / NORMS[0]),
                S::splat(1.0 / NORMS[1]),
                S::splat(1.0 / NORMS[2]),
            ];
            let even_a = S::mul(norm_a, S::scale_add(A * A, w[2], w[0]));
            let even_b = S::mul(norm_b, S::scale_add(B * B, w[2], w[0]));
            let [near_a, far_a] = pair::<S>(even_a, S::mul(norm_a, w[1]), A);
            let [near_b, far_b] = pair::<S>(even_b, S::mul(norm_b, w[1]), B);
            [S::mul(norm_0, w[0]), near_a, far_a, near_b, far_b, w[2]]
        }
    }
}

impl Line<SIDE, 3> for WeightGradient {
    #[inline(always)]
    unsafe fn apply<S: Simd>(u: [S::Vector; SIDE]) -> [S::Vector; 3] {
        // SAFETY: the caller's promise.
        unsafe {
            let [norm_0, norm_a, norm_b] = [
                S::splat(1.0 / NORMS[0]),
                S::splat(1.0 / NORMS[1]),
                S::splat(1.0 / NORMS[2]),
            ];
            let [sum_a, sum_b] = [
                S::mul(norm_a, S::add(u[1], u[2])),
                S::mul(norm_b, S::add(u[3], u[4])),
            ];
            let odd_a = S::mul(norm_a, S::sub(u[1], u[2]));
            let odd_b = S::mul(norm_b, S::sub(u[3], u[4]));
            [
                S::add(sum_b, S::mul_add(norm_0, u[0], sum_a)),
                S::scale_add(B, odd_b, S::mul(S::splat(A), odd_a)),
                S::scale_add(B * B, sum_b, S::scale_add(A * A, sum_a, u[5])),
            ]
        }
    }
}
