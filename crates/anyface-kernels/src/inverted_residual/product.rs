//! The inner loop of pointwise convolutions: many outputs of many pixels.

use crate::depthwise::{Gate, Noted, Noting, Relu6, Through};
use crate::simd::{Isa, LANES, Simd, multiversion};

/// Sums over k of `panels[block][k] · source[step · pixel + offsets[k]]`, where `panels[block][k]`
/// is a vector.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    /// `[block][k][16]`, of which `offsets.len()` are read.
    pub(super) panels: &'a [f32],
    /// Floats from one block of panels to the next.
    pub(super) panel: usize,
    pub(super) blocks: usize,
    pub(super) offsets: &'a [u32],
    pub(super) source: &'a [f32],
    /// Floats from one pixel to the next: [`LANES`], or [`PLANAR_STEP`].
    pub(super) step: usize,
    pub(super) pixels: usize,
}

/// The step of a [`Product`] over planes with a stride of 2.
pub(super) const PLANAR_STEP: usize = 2;

/// Blocks that are computed at once at most: wide features come in multiples of them where a
/// network widens by 6.
pub(super) const BLOCKS: usize = 3;

impl Product<'_> {
    fn check(&self) {
        let steps = self.offsets.len() * LANES;
        assert!(
            [LANES, PLANAR_STEP].contains(&self.step),
            "a step that was compiled for"
        );
        assert!(
            steps <= self.panel && (self.blocks - 1) * self.panel + steps <= self.panels.len(),
            "all panels"
        );
        let last = self.offsets.iter().max().map_or(0, |last| *last as usize);
        assert!(
            (self.pixels - 1) * self.step + last < self.source.len(),
            "sources of all pixels"
        );
    }
}

/// Where in blocks `[block][pixel][16]` the inputs of a pixel lie, from those of the first on.
pub(super) fn block_offsets(channels: usize, pixels: usize) -> Vec<u32> {
    let offset = |channel: usize| channel / LANES * pixels * LANES + channel % LANES;
    let narrow = |offset| u32::try_from(offset).expect("blocks have fewer than 2³² floats");
    (0..channels).map(offset).map(narrow).collect()
}

/// Adds products to `target [block][pixel][16]`.
pub(super) fn add(isa: Isa, product: Product<'_>, target: &mut [f32]) {
    product.check();
    assert_eq!(
        target.len(),
        product.blocks * product.pixels * LANES,
        "a vector for every pixel"
    );
    add_checked(isa, product, target);
}

/// Writes products on top of `bias [block][16]` through a gate to `target`, whose blocks are
/// equally long, that of each pixel where `positions` says. A gate's bits are `[block][pixel]`.
pub(super) fn write(
    isa: Isa,
    product: Product<'_>,
    bias: &[f32],
    positions: &[u32],
    target: &mut [f32],
    through: Through<'_>,
) {
    product.check();
    assert_eq!(
        bias.len(),
        product.blocks * LANES,
        "a bias for every output"
    );
    assert_eq!(positions.len(), product.pixels, "a place for every pixel");
    let last = positions.iter().max().map_or(0, |last| *last as usize);
    assert!(
        last + LANES <= target.len() / product.blocks,
        "places in the target"
    );
    assert!(
        through.holds(product.blocks * product.pixels),
        "bits of all pixels"
    );
    match through {
        Through::Relu6 => write_relu6(isa, product, bias, positions, target),
        Through::Noting(bits) => write_noting(isa, product, bias, positions, target, bits),
        Through::Noted(bits) => write_noted(isa, product, bias, positions, target, bits),
        Through::Open => unreachable!("what is wider is activated"),
    }
}

multiversion! {
    fn add_checked(product: Product<'_>, target: &mut [f32]) {
        let sink = Sum { target: target.as_mut_ptr(), pixels: product.pixels };
        // SAFETY: the instruction set is the one this is compiled for; `add` checked the lengths.
        unsafe { all_blocks::<S, _>(product, sink) }
    }
}

multiversion! {
    fn write_relu6(product: Product<'_>, bias: &[f32], positions: &[u32], target: &mut [f32]) {
        let sink = Placed::new(&product, bias, positions, target, Relu6);
        // SAFETY: as above, by `write`.
        unsafe { all_blocks::<S, _>(product, sink) }
    }
}

multiversion! {
    fn write_noting(
        product: Product<'_>, bias: &[f32], positions: &[u32], target: &mut [f32],
        bits: &mut [u16],
    ) {
        let gate = Noting(bits.as_mut_ptr());
        let sink = Placed::new(&product, bias, positions, target, gate);
        // SAFETY: as above.
        unsafe { all_blocks::<S, _>(product, sink) }
    }
}

multiversion! {
    fn write_noted(
        product: Product<'_>, bias: &[f32], positions: &[u32], target: &mut [f32],
        bits: &[u16],
    ) {
        let gate = Noted(bits.as_ptr());
        let sink = Placed::new(&product, bias, positions, target, gate);
        // SAFETY: as above.
        unsafe { all_blocks::<S, _>(product, sink) }
    }
}

/// Where a sum begins and ends.
trait Sink: Copy {
    /// # Safety
    /// The machine has the instruction set of `S`, and the sink has the pixel in this block.
    unsafe fn start<S: Simd>(self, block: usize, pixel: usize) -> S::Vector;

    /// # Safety
    /// As [`Sink::start`].
    unsafe fn end<S: Simd>(self, block: usize, pixel: usize, value: S::Vector);
}

/// Adds to what is there.
#[derive(Clone, Copy)]
struct Sum {
    target: *mut f32,
    pixels: usize,
}

impl Sink for Sum {
    #[inline(always)]
    unsafe fn start<S: Simd>(self, block: usize, pixel: usize) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe { S::load(self.target.add((block * self.pixels + pixel) * LANES)) }
    }

    #[inline(always)]
    unsafe fn end<S: Simd>(self, block: usize, pixel: usize, value: S::Vector) {
        // SAFETY: the caller's promise.
        unsafe {
            S::store(
                self.target.add((block * self.pixels + pixel) * LANES),
                value,
            )
        }
    }
}

/// On top of a bias, through a gate, to any places.
#[derive(Clone, Copy)]
struct Placed<'a, G> {
    bias: &'a [f32],
    positions: &'a [u32],
    target: *mut f32,
    /// Floats of a block of the target.
    len: usize,
    gate: G,
}

impl<'a, G> Placed<'a, G> {
    #[inline(always)]
    fn new(
        product: &Product<'_>,
        bias: &'a [f32],
        positions: &'a [u32],
        target: &mut [f32],
        gate: G,
    ) -> Self {
        Self {
            bias,
            positions,
            len: target.len() / product.blocks,
            target: target.as_mut_ptr(),
            gate,
        }
    }
}

impl<G: Gate> Sink for Placed<'_, G> {
    #[inline(always)]
    unsafe fn start<S: Simd>(self, block: usize, _: usize) -> S::Vector {
        // SAFETY: the caller's promise.
        unsafe { S::load(self.bias.as_ptr().add(block * LANES)) }
    }

    #[inline(always)]
    unsafe fn end<S: Simd>(self, block: usize, pixel: usize, value: S::Vector) {
        // SAFETY: the caller's promise.
        unsafe {
            let position = *self.positions.get_unchecked(pixel) as usize;
            let value = self
                .gate
                .pass::<S>(block * self.positions.len() + pixel, value);
            S::store(self.target.add(block * self.len + position), value);
        }
    }
}

/// # Safety
/// The machine has the instruction set of `S`, the product is checked, and the sink has its pixels.
#[inline(always)]
unsafe fn all_blocks<S: Simd, K: Sink>(product: Product<'_>, sink: K) {
    // SAFETY: the caller's promise.
    unsafe {
        match product.step {
            LANES => blocks_at::<S, K, LANES>(product, sink),
            _ => blocks_at::<S, K, PLANAR_STEP>(product, sink),
        }
    }
}

/// # Safety
/// As [`all_blocks`], with a step of `STEP`.
#[inline(always)]
unsafe fn blocks_at<S: Simd, K: Sink, const STEP: usize>(product: Product<'_>, sink: K) {
    let mut block = 0;
    // SAFETY: the caller's promise.
    unsafe {
        if S::ROWS * S::VECTORS >= 24 {
            while block + 3 <= product.blocks {
                all_pixels::<S, K, STEP, 3>(product, sink, block);
                block += 3;
            }
            while block + 2 <= product.blocks {
                all_pixels::<S, K, STEP, 2>(product, sink, block);
                block += 2;
            }
        }
        while block < product.blocks {
            all_pixels::<S, K, STEP, 1>(product, sink, block);
            block += 1;
        }
    }
}

/// # Safety
/// As [`blocks_at`], for `B` blocks from `block` on.
#[inline(always)]
unsafe fn all_pixels<S: Simd, K: Sink, const STEP: usize, const B: usize>(
    product: Product<'_>,
    sink: K,
    block: usize,
) {
    let mut pixel = 0;
    // SAFETY: the caller's promise.
    unsafe {
        if S::ROWS * S::VECTORS >= 24 {
            while pixel + 8 <= product.pixels {
                some_pixels::<S, K, STEP, B, 8>(product, sink, block, pixel);
                pixel += 8;
            }
        }
        while pixel + 4 <= product.pixels {
            some_pixels::<S, K, STEP, B, 4>(product, sink, block, pixel);
            pixel += 4;
        }
        while pixel < product.pixels {
            some_pixels::<S, K, STEP, B, 1>(product, sink, block, pixel);
            pixel += 1;
        }
    }
}

/// `P` pixels of `B` blocks, whose sums stay in registers.
///
/// # Safety
/// As [`all_pixels`], for `P` pixels from `pixel` on.
#[inline(always)]
unsafe fn some_pixels<S: Simd, K: Sink, const STEP: usize, const B: usize, const P: usize>(
    product: Product<'_>,
    sink: K,
    block: usize,
    pixel: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let source = product.source.as_ptr().add(pixel * STEP);
        let mut panel = product.panels.as_ptr().add(block * product.panel);
        let mut sums = [[S::splat(0.0); P]; B];
        for (b, sums) in sums.iter_mut().enumerate() {
            for (p, sum) in sums.iter_mut().enumerate() {
                *sum = sink.start::<S>(block + b, pixel + p);
            }
        }
        for &offset in product.offsets {
            let mut weights = [S::splat(0.0); B];
            for (b, weight) in weights.iter_mut().enumerate() {
                *weight = S::load(panel.add(b * product.panel));
            }
            let source = source.add(offset as usize);
            for p in 0..P {
                let value = S::splat(*source.add(p * STEP));
                for (sums, weight) in sums.iter_mut().zip(weights) {
                    sums[p] = S::mul_add(value, weight, sums[p]);
                }
            }
            panel = panel.add(LANES);
        }
        for (b, sums) in sums.into_iter().enumerate() {
            for (p, sum) in sums.into_iter().enumerate() {
                sink.end::<S>(block + b, pixel + p, sum);
            }
        }
    }
}
