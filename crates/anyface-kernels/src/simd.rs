//! The instruction sets that the kernels are compiled for, and the choice between them at run time.

use std::sync::OnceLock;

/// Floats in one vector, whatever the instruction set.
pub(crate) const LANES: usize = 16;

/// An instruction set that this machine has and the kernels have a path for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa(pub(crate) Set);

/// The paths. Only [`Isa::available`] wraps one in an [`Isa`], after asking the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// Whatever the build targets (SSE2 on x86-64, NEON on aarch64).
    Portable,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Isa {
    /// Every path that this machine can run, the fastest last.
    pub fn available() -> Vec<Isa> {
        let mut found = vec![Isa(Set::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Isa(Set::Avx2));
                if is_x86_feature_detected!("avx512f") {
                    found.push(Isa(Set::Avx512));
                }
            }
        }
        found
    }

    /// The fastest path of this machine, or the one that `ANYFACE_KERNELS` (`portable`, `avx2`,
    /// `avx512`) names, where the machine has it. Read once.
    pub fn detect() -> Isa {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| {
            let available = Isa::available();
            let wanted = std::env::var("ANYFACE_KERNELS").unwrap_or_default();
            let named = available.iter().find(|isa| isa.name() == wanted);
            *named
                .or(available.last())
                .expect("the portable path is always there")
        })
    }

    /// The name by which `ANYFACE_KERNELS` asks for this path.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        }
    }

    /// Rows of the register tile: how many output channels a panel of weights interleaves.
    pub(crate) fn tile_rows(self) -> usize {
        match self.0 {
            Set::Portable => Portable::ROWS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => x86::Avx2::ROWS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => x86::Avx512::ROWS,
        }
    }

    /// Columns of the register tile, in vectors of [`LANES`].
    pub(crate) fn tile_vectors(self) -> usize {
        match self.0 {
            Set::Portable => Portable::VECTORS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => x86::Avx2::VECTORS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => x86::Avx512::VECTORS,
        }
    }
}

/// Vectors of [`LANES`] floats in one instruction set, and the register tile that suits it.
pub(crate) trait Simd {
    /// Rows of the register tile.
    const ROWS: usize;
    /// Columns of the register tile, in vectors.
    const VECTORS: usize;
    /// [`LANES`] floats.
    type Vector: Copy;

    /// All lanes `value`.
    ///
    /// # Safety
    /// The machine has this instruction set.
    unsafe fn splat(value: f32) -> Self::Vector;

    /// [`LANES`] floats from `source`, at any alignment.
    ///
    /// # Safety
    /// The machine has this instruction set and `source` is good for reading [`LANES`] floats.
    unsafe fn load(source: *const f32) -> Self::Vector;

    /// Writes [`LANES`] floats to `target`, at any alignment.
    ///
    /// # Safety
    /// The machine has this instruction set and `target` is good for writing [`LANES`] floats.
    unsafe fn store(target: *mut f32, value: Self::Vector);

    /// `a · b + c`.
    ///
    /// # Safety
    /// The machine has this instruction set.
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// [`crate::tile::tile`] at this instruction set's size.
    ///
    /// # Safety
    /// The machine has this instruction set, and as said there.
    unsafe fn tile(
        panel: *const f32,
        offsets: &[u32],
        source: *const f32,
        starts: &[u32],
        out: *mut f32,
    );
}

/// Plain arrays, which the compiler maps to what the build targets.
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
        // SAFETY: the caller's promise; `read_unaligned` asks for no alignment.
        unsafe { source.cast::<Self::Vector>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(target: *mut f32, value: Self::Vector) {
        // SAFETY: the caller's promise; `write_unaligned` asks for no alignment.
        unsafe { target.cast::<Self::Vector>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    unsafe fn tile(
        panel: *const f32,
        offsets: &[u32],
        source: *const f32,
        starts: &[u32],
        out: *mut f32,
    ) {
        // SAFETY: the caller's promise.
        unsafe { crate::tile::tile::<Self, 2, 1>(panel, offsets, source, starts, out) }
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    //! AVX2 and AVX-512.

    use super::{LANES, Simd};
    use std::arch::x86_64::*;

    /// Two 8-lane registers stand for one vector.
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
        unsafe fn store(target: *mut f32, value: Self::Vector) {
            // SAFETY: the caller promises AVX2 and `LANES` writable floats.
            unsafe {
                _mm256_storeu_ps(target, value[0]);
                _mm256_storeu_ps(target.add(LANES / 2), value[1]);
            }
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
        unsafe fn tile(
            panel: *const f32,
            offsets: &[u32],
            source: *const f32,
            starts: &[u32],
            out: *mut f32,
        ) {
            // SAFETY: the caller's promise.
            unsafe { crate::tile::tile::<Self, 4, 1>(panel, offsets, source, starts, out) }
        }
    }

    /// One 16-lane register is one vector: 24 sums, 3 operands and a broadcast fill 28 of 32.
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
        unsafe fn store(target: *mut f32, value: Self::Vector) {
            // SAFETY: the caller promises AVX-512 and `LANES` writable floats.
            unsafe { _mm512_storeu_ps(target, value) }
        }

        #[inline(always)]
        unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
            // SAFETY: the caller promises AVX-512.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        unsafe fn tile(
            panel: *const f32,
            offsets: &[u32],
            source: *const f32,
            starts: &[u32],
            out: *mut f32,
        ) {
            // SAFETY: the caller's promise.
            unsafe { crate::tile::tile::<Self, 8, 3>(panel, offsets, source, starts, out) }
        }
    }
}

/// Compiles a function once per instruction set. `fn name(args) { body }` becomes
/// `fn name(isa: Isa, args)`; in the body, `S` is the [`Simd`] of the set, and plain loops are
/// vectorised for it. What the body calls must be `#[inline(always)]` to be compiled likewise.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name(isa: $crate::simd::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx2,fma")]
            fn avx512($($arg: $ty),*) $(-> $ret)? {
                #[allow(dead_code)]
                type S = $crate::simd::x86::Avx512;
                $body
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($arg: $ty),*) $(-> $ret)? {
                #[allow(dead_code)]
                type S = $crate::simd::x86::Avx2;
                $body
            }
            fn portable($($arg: $ty),*) $(-> $ret)? {
                #[allow(dead_code)]
                type S = $crate::simd::Portable;
                $body
            }
            match isa.0 {
                // SAFETY: an `Isa` is made only where the machine has it (`Isa::available`).
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Set::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Set::Avx2 => unsafe { avx2($($arg),*) },
                $crate::simd::Set::Portable => portable($($arg),*),
            }
        }
    };
}
pub(crate) use multiversion;
