//! The register tile: the inner loop of direct and 1×1 convolutions and their gradients.

use crate::simd::Simd;

/// Adds to `out[r][v·16 + lane]` the sum over k of
/// `panel[k][r] · source[starts[v] + offsets[k] + lane]`.
///
/// `R` rows times `V` vectors of sums stay in registers during the whole loop. `offsets[k]` locates
/// the operand of step k (a channel and tap of a convolution, or a pixel of a weight gradient).
/// `starts` locates each output vector. So no im2col copy is needed. Each step has `STEP` floats in
/// the panel.
///
/// # Safety
/// The CPU supports the instruction set of `S`. `panel` is valid for reads of `R` floats at every
/// multiple of `STEP` below `offsets.len() · STEP`. `out` holds `R · V · LANES` floats.
/// `starts.len() >= V`. `source` is valid for reads of `LANES` floats at every
/// `starts[v] + offsets[k]`.
#[inline(always)]
pub(crate) unsafe fn tile<S: Simd, const R: usize, const V: usize, const STEP: usize>(
    mut panel: *const f32,
    offsets: &[u32],
    source: *const f32,
    starts: &[u32],
    out: *mut f32,
) {
    // SAFETY: every pointer stays within what the caller promises: `panel` moves on by
    // `STEP` per offset, `out` is indexed below R · V · LANES, `source` only at start + offset.
    unsafe {
        let bases: [*const f32; V] = std::array::from_fn(|v| source.add(starts[v] as usize));
        let at = |r: usize, v: usize| out.add((r * V + v) * crate::simd::LANES);
        let mut sums: [[S::Vector; V]; R] =
            std::array::from_fn(|r| std::array::from_fn(|v| S::load(at(r, v))));
        for &offset in offsets {
            let operands: [S::Vector; V] =
                std::array::from_fn(|v| S::load(bases[v].add(offset as usize)));
            for (r, sums) in sums.iter_mut().enumerate() {
                let factor = S::splat(*panel.add(r));
                for (sum, operand) in sums.iter_mut().zip(operands) {
                    *sum = S::mul_add(factor, operand, *sum);
                }
            }
            panel = panel.wrapping_add(STEP);
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                S::store(at(r, v), sum);
            }
        }
    }
}
