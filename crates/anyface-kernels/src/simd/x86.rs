//! AVX2 and AVX-512.

use super::{LANES, Simd};
use std::arch::x86_64::*;
use std::array::from_fn;
use std::mem::transmute;

/// One vector is two 8-lane registers.
pub(crate) struct Avx2;

impl Simd for Avx2 {
    const ROWS: usize = 4;
    const VECTORS: usize = 1;
    type Vector = [__m256; 2];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Vector {
        // SAFETY: the caller promises AVX2.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self::Vector {
        // SAFETY: the caller promises AVX2 and `LANES` readable floats.
        unsafe {
            [
                _mm256_loadu_ps(source),
                _mm256_loadu_ps(source.add(LANES / 2)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self::Vector {
        // SAFETY: the caller promises AVX2 and `count` readable floats; lanes beyond are not read.
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let first = _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), lanes);
            let second = _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32 - 8), lanes);
            [
                _mm256_maskload_ps(source, first),
                _mm256_maskload_ps(source.wrapping_add(LANES / 2), second),
            ]
        }
    }

    #[inline(always)]
    unsafe fn store(target: *mut f32, value: Self::Vector) {
        // SAFETY: the caller promises AVX2 and `LANES` writable floats.
        unsafe {
            _mm256_storeu_ps(target, value[0]);
            _mm256_storeu_ps(target.add(LANES / 2), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX2.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX2.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX2.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX2 with FMA.
        unsafe {
            [
                _mm256_fmadd_ps(a[0], b[0], c[0]),
                _mm256_fmadd_ps(a[1], b[1], c[1]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn select_less(
        a: Self::Vector,
        b: Self::Vector,
        then: Self::Vector,
        otherwise: Self::Vector,
    ) -> Self::Vector {
        // SAFETY: the caller promises AVX2.
        unsafe {
            let masks = [
                _mm256_cmp_ps::<_CMP_LT_OQ>(a[0], b[0]),
                _mm256_cmp_ps::<_CMP_LT_OQ>(a[1], b[1]),
            ];
            [
                _mm256_blendv_ps(otherwise[0], then[0], masks[0]),
                _mm256_blendv_ps(otherwise[1], then[1], masks[1]),
            ]
        }
    }

    #[inline(always)]
    unsafe fn less_bits(a: Self::Vector, b: Self::Vector) -> u16 {
        // SAFETY: the caller promises AVX2.
        let [low, high] = unsafe {
            [
                _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(a[0], b[0])),
                _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(a[1], b[1])),
            ]
        };
        (low | (high << 8)) as u16
    }

    #[inline(always)]
    unsafe fn keep(bits: u16, a: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX2.
        unsafe {
            let lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let half = |bits: u16, a| {
                let set = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), lanes);
                _mm256_and_ps(a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lanes)))
            };
            [half(bits, a[0]), half(bits >> 8, a[1])]
        }
    }

    #[inline(always)]
    unsafe fn transpose(vectors: [Self::Vector; LANES]) -> [Self::Vector; LANES] {
        // SAFETY: the caller promises AVX2.
        unsafe { transpose_avx2(vectors) }
    }
}

/// Transposes in four parts of 8 × 8.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_avx2(vectors: [[__m256; 2]; LANES]) -> [[__m256; 2]; LANES] {
    let mut out = vectors;
    for from in 0..2 {
        for to in 0..2 {
            let quarter = transpose_8(from_fn(|i| vectors[8 * from + i][to]));
            for (j, column) in quarter.into_iter().enumerate() {
                out[8 * to + j][from] = column;
            }
        }
    }
    out
}

/// Transposes 4 × 4 within each 128-bit lane, then exchanges the lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose_8(rows: [__m256; 8]) -> [__m256; 8] {
    let mut pairs = rows;
    for i in 0..4 {
        pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    let mut fours = pairs;
    for group in 0..2 {
        for half in 0..2 {
            let (a, b) = (pairs[4 * group + half], pairs[4 * group + half + 2]);
            fours[4 * group + 2 * half] = _mm256_shuffle_ps::<0b01_00_01_00>(a, b);
            fours[4 * group + 2 * half + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(a, b);
        }
    }
    let mut columns = fours;
    for i in 0..4 {
        columns[i] = _mm256_permute2f128_ps::<0x20>(fours[i], fours[i + 4]);
        columns[i + 4] = _mm256_permute2f128_ps::<0x31>(fours[i], fours[i + 4]);
    }
    columns
}

/// One vector is one 16-lane register: 24 sums, 3 operands and a broadcast use 28 of 32 registers.
pub(crate) struct Avx512;

impl Simd for Avx512 {
    const ROWS: usize = 8;
    const VECTORS: usize = 3;
    type Vector = __m512;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Vector {
        // SAFETY: the caller promises AVX-512.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self::Vector {
        // SAFETY: the caller promises AVX-512 and `LANES` readable floats.
        unsafe { _mm512_loadu_ps(source) }
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self::Vector {
        let first = ((1_u32 << count) - 1) as u16;
        // SAFETY: the caller promises AVX-512 and `count` readable floats; lanes beyond are not
        // read.
        unsafe { _mm512_maskz_loadu_ps(first, source) }
    }

    #[inline(always)]
    unsafe fn store(target: *mut f32, value: Self::Vector) {
        // SAFETY: the caller promises AVX-512 and `LANES` writable floats.
        unsafe { _mm512_storeu_ps(target, value) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX-512.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX-512.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX-512.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX-512.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn select_less(
        a: Self::Vector,
        b: Self::Vector,
        then: Self::Vector,
        otherwise: Self::Vector,
    ) -> Self::Vector {
        // SAFETY: the caller promises AVX-512.
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b);
            _mm512_mask_blend_ps(mask, otherwise, then)
        }
    }

    #[inline(always)]
    unsafe fn less_bits(a: Self::Vector, b: Self::Vector) -> u16 {
        // SAFETY: the caller promises AVX-512.
        unsafe { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
    }

    #[inline(always)]
    unsafe fn keep(bits: u16, a: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX-512.
        unsafe { _mm512_maskz_mov_ps(bits, a) }
    }

    #[inline(always)]
    unsafe fn transpose(vectors: [Self::Vector; LANES]) -> [Self::Vector; LANES] {
        // SAFETY: the caller promises AVX-512.
        unsafe { transpose_avx512(vectors) }
    }
}

/// Transposes 4 × 4 within each 128-bit lane, then 4 × 4 lanes.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose_avx512(rows: [__m512; LANES]) -> [__m512; LANES] {
    let mut pairs = rows;
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
    // Lane l of `fours[4g + c]` is column 4l + c of rows 4g to 4g + 3.
    let mut fours = pairs;
    for group in 0..4 {
        for half in 0..2 {
            let (a, b) = (pairs[4 * group + half], pairs[4 * group + half + 2]);
            fours[4 * group + 2 * half] = _mm512_shuffle_ps::<0b01_00_01_00>(a, b);
            fours[4 * group + 2 * half + 1] = _mm512_shuffle_ps::<0b11_10_11_10>(a, b);
        }
    }
    // Lanes 0 and 2 of groups 2h and 2h + 1 in `halves[8h + c]`, lanes 1 and 3 in
    // `halves[8h + 4 + c]`.
    let mut halves = fours;
    for half in 0..2 {
        for column in 0..4 {
            let (a, b) = (fours[8 * half + column], fours[8 * half + 4 + column]);
            halves[8 * half + column] = _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
            halves[8 * half + 4 + column] = _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
        }
    }
    let mut columns = halves;
    for i in 0..8 {
        columns[i] = _mm512_shuffle_f32x4::<0b10_00_10_00>(halves[i], halves[i + 8]);
        columns[8 + i] = _mm512_shuffle_f32x4::<0b11_01_11_01>(halves[i], halves[i + 8]);
    }
    columns
}

/// [`Avx512`] with products in bf16.
pub(crate) struct Avx512Bf16;

impl Simd for Avx512Bf16 {
    const ROWS: usize = Avx512::ROWS;
    const VECTORS: usize = Avx512::VECTORS;
    const PACKED: usize = 2;
    type Vector = __m512;

    #[inline(always)]
    unsafe fn store_elements(target: *mut f32, value: Self::Vector) {
        // SAFETY: the caller promises AVX-512 with bf16 and `LANES / 2` writable floats, which are
        // 256 bits.
        unsafe {
            let rounded = transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(value));
            _mm256_storeu_si256(target.cast(), rounded);
        }
    }

    #[inline(always)]
    unsafe fn splat_element(source: *const f32) -> Self::Vector {
        // SAFETY: the caller promises AVX-512 and 32 readable bits.
        unsafe { _mm512_castsi512_ps(_mm512_set1_epi32(source.cast::<i32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn multiply_elements(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: the caller promises AVX-512 with bf16; 512 bits hold 32 bf16 numbers.
        unsafe {
            _mm512_dpbf16_ps(
                c,
                transmute::<__m512, __m512bh>(a),
                transmute::<__m512, __m512bh>(b),
            )
        }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::splat(value) }
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::load(source) }
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::load_first(source, count) }
    }

    #[inline(always)]
    unsafe fn store(target: *mut f32, value: Self::Vector) {
        // SAFETY: the caller's promise.
        unsafe { Avx512::store(target, value) }
    }

    #[inline(always)]
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::add(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::sub(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::mul(a, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::mul_add(a, b, c) }
    }

    #[inline(always)]
    unsafe fn select_less(
        a: Self::Vector,
        b: Self::Vector,
        then: Self::Vector,
        otherwise: Self::Vector,
    ) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::select_less(a, b, then, otherwise) }
    }

    #[inline(always)]
    unsafe fn less_bits(a: Self::Vector, b: Self::Vector) -> u16 {
        // SAFETY: the caller's promise.
        unsafe { Avx512::less_bits(a, b) }
    }

    #[inline(always)]
    unsafe fn keep(bits: u16, a: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Avx512::keep(bits, a) }
    }

    #[inline(always)]
    unsafe fn transpose(vectors: [Self::Vector; LANES]) -> [Self::Vector; LANES] {
        // SAFETY: the caller's promise.
        unsafe { Avx512::transpose(vectors) }
    }
}
