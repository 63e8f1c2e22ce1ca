//! Instruction sets that the kernels are compiled for, and run-time selection.

use std::sync::OnceLock;

use crate::algorithm::Algorithm;

#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub(crate) use portable::Portable;

/// Floats per vector, for every instruction set.
pub(crate) const LANES: usize = 16;

/// An instruction set that the CPU supports and the kernels have a path for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa {
    pub(crate) set: Set,
    /// Algorithm to use in place of the choice by shape.
    pub(crate) forced: Option<Algorithm>,
}

/// The paths. Only [`Isa::available`] wraps one in an [`Isa`], after checking the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// Plain arrays, vectorised by the compiler.
    Portable,
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX-512 with Winograd's products in bf16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

impl Isa {
    fn new(set: Set) -> Isa {
        Isa { set, forced: None }
    }

    /// This instruction set with one algorithm for every convolution that it can compute. For tests
    /// and benchmarks.
    pub fn forcing(self, algorithm: Algorithm) -> Isa {
        Isa {
            forced: Some(algorithm),
            ..self
        }
    }

    /// This instruction set with Winograd's products in bf16, which are twice as fast as in f32;
    /// `None` if the CPU does not support bf16. Operands are rounded, sums are f32. For inference:
    /// backward passes compute in f32.
    pub fn bf16(self) -> Option<Isa> {
        #[cfg(target_arch = "x86_64")]
        if self.set == Set::Avx512 && is_x86_feature_detected!("avx512bf16") {
            let set = Set::Avx512Bf16;
            return Some(Isa { set, ..self });
        }
        None
    }

    /// This instruction set with all products in f32.
    pub(crate) fn f32(self) -> Isa {
        #[cfg(target_arch = "x86_64")]
        if self.set == Set::Avx512Bf16 {
            let set = Set::Avx512;
            return Isa { set, ..self };
        }
        self
    }

    /// Every f32 path that the CPU supports, the fastest last.
    pub fn available() -> Vec<Isa> {
        #[cfg_attr(
            not(any(target_arch = "x86_64", target_arch = "aarch64")),
            expect(unused_mut)
        )]
        let mut found = vec![Isa::new(Set::Portable)];
        #[cfg(target_arch = "aarch64")]
        found.push(Isa::new(Set::Neon));
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Isa::new(Set::Avx2));
                if is_x86_feature_detected!("avx512f") {
                    found.push(Isa::new(Set::Avx512));
                }
            }
        }
        found
    }

    /// The fastest path that the CPU supports, or the path named by `ANYFACE_KERNELS` (`portable`,
    /// `neon`, `avx2`, `avx512`) if the CPU supports it. Read once.
    pub fn detect() -> Isa {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| {
            let available = Isa::available();
            let wanted = std::env::var("ANYFACE_KERNELS").unwrap_or_default();
            let named = available.iter().find(|isa| isa.name() == wanted);
            *named
                .or(available.last())
                .expect("the portable path is always available")
        })
    }

    /// The name of this path in `ANYFACE_KERNELS`.
    pub fn name(self) -> &'static str {
        match self.set {
            Set::Portable => "portable",
            #[cfg(target_arch = "aarch64")]
            Set::Neon => "neon",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx512Bf16 => "avx512",
        }
    }

    /// Rows of the register tile: the number of output channels that a weight panel interleaves.
    pub(crate) fn tile_rows(self) -> usize {
        match self.set {
            Set::Portable => Portable::ROWS,
            #[cfg(target_arch = "aarch64")]
            Set::Neon => neon::Neon::ROWS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => x86::Avx2::ROWS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx512Bf16 => x86::Avx512::ROWS,
        }
    }

    /// Columns of the register tile, in vectors of [`LANES`].
    pub(crate) fn tile_vectors(self) -> usize {
        match self.set {
            Set::Portable => Portable::VECTORS,
            #[cfg(target_arch = "aarch64")]
            Set::Neon => neon::Neon::VECTORS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => x86::Avx2::VECTORS,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 | Set::Avx512Bf16 => x86::Avx512::VECTORS,
        }
    }

    /// Channels per operand element of Winograd's products, see [`Simd::PACKED`].
    pub(crate) fn packed(self) -> usize {
        match self.set {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Bf16 => x86::Avx512Bf16::PACKED,
            _ => 1,
        }
    }
}

/// Vectors of [`LANES`] floats in one instruction set, with a suitable register tile.
pub(crate) trait Simd {
    /// Rows of the register tile.
    const ROWS: usize;
    /// Columns of the register tile, in vectors.
    const VECTORS: usize;
    /// [`LANES`] floats.
    type Vector: Copy;

    /// `value` in all lanes.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    unsafe fn splat(value: f32) -> Self::Vector;

    /// Loads [`LANES`] floats from `source`, at any alignment.
    ///
    /// # Safety
    /// The CPU supports this instruction set and `source` is valid for reads of [`LANES`] floats.
    unsafe fn load(source: *const f32) -> Self::Vector;

    /// Loads `count` floats (at most [`LANES`]) from `source`; the other lanes are zero.
    ///
    /// # Safety
    /// The CPU supports this instruction set and `source` is valid for reads of `count` floats.
    unsafe fn load_first(source: *const f32, count: usize) -> Self::Vector;

    /// Stores [`LANES`] floats to `target`, at any alignment.
    ///
    /// # Safety
    /// The CPU supports this instruction set and `target` is valid for writes of [`LANES`] floats.
    unsafe fn store(target: *mut f32, value: Self::Vector);

    /// `a + b`.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a − b`.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a · b`.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a · b + c`.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// Per lane, `then` where `a < b`, else `otherwise`.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    unsafe fn select_less(
        a: Self::Vector,
        b: Self::Vector,
        then: Self::Vector,
        otherwise: Self::Vector,
    ) -> Self::Vector;

    /// A mask in which bit i is set if `a < b` in lane i.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    #[inline(always)]
    unsafe fn less_bits(a: Self::Vector, b: Self::Vector) -> u16 {
        let [mut left, mut right] = [[0.0; LANES]; 2];
        // SAFETY: the caller's promise; arrays of `LANES` floats hold a vector.
        unsafe {
            Self::store(left.as_mut_ptr(), a);
            Self::store(right.as_mut_ptr(), b);
        }
        let bits = left.iter().zip(&right).enumerate();
        bits.fold(0, |all, (lane, (a, b))| all | (u16::from(a < b) << lane))
    }

    /// Lane i of `a` where bit i is set, else zero.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    #[inline(always)]
    unsafe fn keep(bits: u16, a: Self::Vector) -> Self::Vector {
        let mut lanes = [0.0; LANES];
        // SAFETY: the caller's promise; an array of `LANES` floats holds a vector.
        unsafe {
            Self::store(lanes.as_mut_ptr(), a);
            for (lane, value) in lanes.iter_mut().enumerate() {
                *value = if bits >> lane & 1 == 1 { *value } else { 0.0 };
            }
            Self::load(lanes.as_ptr())
        }
    }

    /// `factor · a + b`.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    #[inline(always)]
    unsafe fn scale_add(factor: f32, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Self::mul_add(Self::splat(factor), a, b) }
    }

    /// Transposes: lane j of vector i becomes lane i of vector j.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    unsafe fn transpose(vectors: [Self::Vector; LANES]) -> [Self::Vector; LANES];

    /// Numbers per 32-bit operand element of a product: one f32, or two bf16 with the first in the
    /// low half.
    const PACKED: usize = 1;

    /// Stores [`LANES`] floats as `LANES / PACKED` elements.
    ///
    /// # Safety
    /// The CPU supports this instruction set and `target` is valid for writes of that many floats.
    #[inline(always)]
    unsafe fn store_elements(target: *mut f32, value: Self::Vector) {
        // SAFETY: the caller's promise.
        unsafe { Self::store(target, value) }
    }

    /// The element at `source` in all lanes.
    ///
    /// # Safety
    /// The CPU supports this instruction set and `source` is valid for reads of one float.
    #[inline(always)]
    unsafe fn splat_element(source: *const f32) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Self::splat(*source) }
    }

    /// Per lane, `c` plus the products of the numbers of `a` with those of `b`.
    ///
    /// # Safety
    /// The CPU supports this instruction set.
    #[inline(always)]
    unsafe fn multiply_elements(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Self::mul_add(a, b, c) }
    }
}

/// Up to [`LANES`] values, padded with zeros.
#[inline(always)]
pub(crate) fn padded(values: &[f32]) -> [f32; LANES] {
    let mut vector = [0.0; LANES];
    vector[..values.len()].copy_from_slice(values);
    vector
}

/// Compiles a function once per instruction set. `fn name(args) { body }` becomes
/// `fn name(isa: Isa, args)`. In the body, `S` is the [`Simd`] of the set, and plain loops are
/// vectorised for it. Functions that the body calls must be `#[inline(always)]` to be compiled for
/// the set; closures in the body already are. `bf16 fn` is also compiled for products in bf16;
/// other functions use the AVX-512 version there.
macro_rules! multiversion {
    (
        $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?
        $body:block
    ) => {
        $crate::simd::multiversion! {
            @bf16 {}, avx512, $(#[$meta])* $vis fn $name($($arg: $ty),*) $(-> $ret)? $body
        }
    };
    (
        bf16
        $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)?
        $body:block
    ) => {
        $crate::simd::multiversion! {
            @bf16 {
                #[cfg(target_arch = "x86_64")]
                #[target_feature(enable = "avx512f,avx512bf16,avx2,fma")]
                fn bf16($($arg: $ty),*) $(-> $ret)? {
                    type S = $crate::simd::x86::Avx512Bf16;
                    $body
                }
            }, bf16, $(#[$meta])* $vis fn $name($($arg: $ty),*) $(-> $ret)? $body
        }
    };
    (
        @bf16 {$($bf16:item)?}, $packed:ident,
        $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)?
        $body:block
    ) => {
        $(#[$meta])*
        $vis fn $name(isa: $crate::simd::Isa, $($arg: $ty),*) $(-> $ret)? {
            $($bf16)?
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
            #[cfg(target_arch = "aarch64")]
            #[target_feature(enable = "neon")]
            fn neon($($arg: $ty),*) $(-> $ret)? {
                #[allow(dead_code)]
                type S = $crate::simd::neon::Neon;
                $body
            }
            fn portable($($arg: $ty),*) $(-> $ret)? {
                #[allow(dead_code)]
                type S = $crate::simd::Portable;
                $body
            }
            match isa.set {
                // SAFETY: an `Isa` exists only if the CPU supports it (`Isa::available`).
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Set::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above; a CPU with bf16 products has AVX-512.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Set::Avx512Bf16 => unsafe { $packed($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Set::Avx2 => unsafe { avx2($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "aarch64")]
                $crate::simd::Set::Neon => unsafe { neon($($arg),*) },
                $crate::simd::Set::Portable => portable($($arg),*),
            }
        }
    };
}
pub(crate) use multiversion;
