//! The instruction sets that the kernels are compiled for, and the choice between them at run time.

use std::sync::OnceLock;

use crate::algorithm::Algorithm;

#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub(crate) use portable::Portable;

/// Floats in one vector, whatever the instruction set.
pub(crate) const LANES: usize = 16;

/// An instruction set that this machine has and the kernels have a path for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Isa {
    pub(crate) set: Set,
    /// Instead of the choice by shape.
    pub(crate) forced: Option<Algorithm>,
}

/// The paths. Only [`Isa::available`] wraps one in an [`Isa`], after asking the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    /// Whatever the compiler makes of plain arrays.
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
    /// AVX-512, with Winograd's products in bf16.
    #[cfg(target_arch = "x86_64")]
    Avx512Bf16,
}

impl Isa {
    fn new(set: Set) -> Isa {
        Isa { set, forced: None }
    }

    /// The same with one algorithm for every convolution that it can compute, whether it pays or not: for
    /// tests and measurements.
    pub fn forcing(self, algorithm: Algorithm) -> Isa {
        Isa {
            forced: Some(algorithm),
            ..self
        }
    }

    /// The same with the products of Winograd's algorithm in bf16, twice as fast as in f32, where the machine
    /// multiplies it: operands are rounded, sums are f32. For inference; a backward pass computes in f32.
    pub fn bf16(self) -> Option<Isa> {
        #[cfg(target_arch = "x86_64")]
        if self.set == Set::Avx512 && is_x86_feature_detected!("avx512bf16") {
            let set = Set::Avx512Bf16;
            return Some(Isa { set, ..self });
        }
        None
    }

    /// The same with all products in f32.
    pub(crate) fn f32(self) -> Isa {
        #[cfg(target_arch = "x86_64")]
        if self.set == Set::Avx512Bf16 {
            let set = Set::Avx512;
            return Isa { set, ..self };
        }
        self
    }

    /// Every path in f32 that this machine can run, the fastest last.
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

    /// The fastest path of this machine, or the one that `ANYFACE_KERNELS` (`portable`, `neon`,
    /// `avx2`, `avx512`) names, where the machine has it. Read once.
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

    /// Rows of the register tile: how many output channels a panel of weights interleaves.
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

    /// Channels in one element of an operand of Winograd's products, see [`Simd::PACKED`].
    pub(crate) fn packed(self) -> usize {
        match self.set {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512Bf16 => x86::Avx512Bf16::PACKED,
            _ => 1,
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

    /// `count` floats (at most [`LANES`]) from `source`, then zeros.
    ///
    /// # Safety
    /// The machine has this instruction set and `source` is good for reading `count` floats.
    unsafe fn load_first(source: *const f32, count: usize) -> Self::Vector;

    /// Writes [`LANES`] floats to `target`, at any alignment.
    ///
    /// # Safety
    /// The machine has this instruction set and `target` is good for writing [`LANES`] floats.
    unsafe fn store(target: *mut f32, value: Self::Vector);

    /// `a + b`.
    ///
    /// # Safety
    /// The machine has this instruction set.
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a − b`.
    ///
    /// # Safety
    /// The machine has this instruction set.
    unsafe fn sub(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a · b`.
    ///
    /// # Safety
    /// The machine has this instruction set.
    unsafe fn mul(a: Self::Vector, b: Self::Vector) -> Self::Vector;

    /// `a · b + c`.
    ///
    /// # Safety
    /// The machine has this instruction set.
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;

    /// Lane by lane `then` where `a < b`, elsewhere `otherwise`.
    ///
    /// # Safety
    /// The machine has this instruction set.
    unsafe fn select_less(
        a: Self::Vector,
        b: Self::Vector,
        then: Self::Vector,
        otherwise: Self::Vector,
    ) -> Self::Vector;

    /// Bit i is set where `a < b` in lane i.
    ///
    /// # Safety
    /// The machine has this instruction set.
    #[inline(always)]
    unsafe fn less_bits(a: Self::Vector, b: Self::Vector) -> u16 {
        let [mut left, mut right] = [[0.0; LANES]; 2];
        // SAFETY: the caller's promise; arrays of `LANES` floats are good for a vector.
        unsafe {
            Self::store(left.as_mut_ptr(), a);
            Self::store(right.as_mut_ptr(), b);
        }
        let bits = left.iter().zip(&right).enumerate();
        bits.fold(0, |all, (lane, (a, b))| all | (u16::from(a < b) << lane))
    }

    /// Lane i of `a` where bit i is set, elsewhere zero.
    ///
    /// # Safety
    /// The machine has this instruction set.
    #[inline(always)]
    unsafe fn keep(bits: u16, a: Self::Vector) -> Self::Vector {
        let mut lanes = [0.0; LANES];
        // SAFETY: the caller's promise; an array of `LANES` floats is good for a vector.
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
    /// The machine has this instruction set.
    #[inline(always)]
    unsafe fn scale_add(factor: f32, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Self::mul_add(Self::splat(factor), a, b) }
    }

    /// Lane j of vector i becomes lane i of vector j.
    ///
    /// # Safety
    /// The machine has this instruction set.
    unsafe fn transpose(vectors: [Self::Vector; LANES]) -> [Self::Vector; LANES];

    /// Numbers in one 32-bit element of an operand of a product: one f32, or two bf16, the first in the low half.
    const PACKED: usize = 1;

    /// Writes [`LANES`] floats as `LANES / PACKED` elements.
    ///
    /// # Safety
    /// The machine has this instruction set and `target` is good for writing that many floats.
    #[inline(always)]
    unsafe fn store_elements(target: *mut f32, value: Self::Vector) {
        // SAFETY: the caller's promise.
        unsafe { Self::store(target, value) }
    }

    /// All lanes the element at `source`.
    ///
    /// # Safety
    /// The machine has this instruction set and `source` is good for reading a float.
    #[inline(always)]
    unsafe fn splat_element(source: *const f32) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Self::splat(*source) }
    }

    /// Lane by lane the sum of c and the products of the numbers of a with those of b.
    ///
    /// # Safety
    /// The machine has this instruction set.
    #[inline(always)]
    unsafe fn multiply_elements(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: the caller's promise.
        unsafe { Self::mul_add(a, b, c) }
    }
}

/// Less than a vector, filled up with zeros.
#[inline(always)]
pub(crate) fn padded(values: &[f32]) -> [f32; LANES] {
    let mut vector = [0.0; LANES];
    vector[..values.len()].copy_from_slice(values);
    vector
}

/// Compiles a function once per instruction set. `fn name(args) { body }` becomes
/// `fn name(isa: Isa, args)`; in the body, `S` is the [`Simd`] of the set, and plain loops are
/// vectorised for it. What the body calls must be `#[inline(always)]` to be compiled likewise
/// (closures are not, unless they stand in the body itself). `bf16 fn` is compiled for products in bf16 too;
/// other functions are the same with them as without.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $crate::simd::multiversion! {
            @bf16 {}, avx512, $(#[$meta])* $vis fn $name($($arg: $ty),*) $(-> $ret)? $body
        }
    };
    (bf16 $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
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
    (@bf16 {$($bf16:item)?}, $packed:ident, $(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? $body:block) => {
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
                // SAFETY: an `Isa` is made only where the machine has it (`Isa::available`).
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Set::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above; a machine that multiplies bf16 has AVX-512.
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
