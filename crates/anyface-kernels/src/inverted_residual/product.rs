//! The inner loop of pointwise convolutions over many outputs and pixels.

use crate::depthwise::{Gate, GateKind, RecordingRelu6, Relu6, Relu6Gradient};
use crate::simd::{Isa, LANES, Simd, multiversion};

/// Σ over k of `panels[block][k] · source[step · pixel + offsets[k]]`, where `panels[block][k]` is
/// a vector.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    /// `[block][k][16]`; the first `offsets.len()` of each block are read.
    pub(super) panels: &'a [f32],
    /// Floats between blocks of panels.
    pub(super) panel: usize,
    pub(super) blocks: usize,
    pub(super) offsets: &'a [u32],
    pub(super) source: &'a [f32],
    /// Floats between pixels: [`LANES`] or [`PLANAR_STEP`].
    pub(super) step: usize,
    pub(super) pixels: usize,
}

/// Step of a [`Product`] over planes with stride 2.
pub(super) const PLANAR_STEP: usize = 2;

/// Most blocks computed at once. Expanded channels are a multiple of this if a network expands
/// by 6.
pub(super) const BLOCKS: usize = 3;

impl Product<'_> {
    fn check(&self) {
        let steps = self.offsets.len() * LANES;
        assert!(
            [LANES, PLANAR_STEP].contains(&self.step),
            "the step has a compiled loop"
        );
        assert!(
            steps <= self.panel && (self.blocks - 1) * self.panel + steps <= self.panels.len(),
            "panels cover all blocks"
        );
        let last = self.offsets.iter().max().map_or(0, |last| *last as usize);
        assert!(
            (self.pixels - 1) * self.step + last < self.source.len(),
            "the source covers all pixels"
        );
    }
}

/// Offsets of a pixel's inputs in blocks `[block][pixel][16]`, relative to the first.
pub(super) fn block_offsets(channels: usize, pixels: usize) -> Vec<u32> {
    let offset = |channel: usize| channel / LANES * pixels * LANES + channel % LANES;
    let narrow = |offset| u32::try_from(offset).expect("blocks have fewer than 2³² floats");
    (0..channels).map(offset).map(narrow).collect()
}

/// Adds the products to `target [block][pixel][16]`.
pub(super) fn add(isa: Isa, product: Product<'_>, target: &mut [f32]) {
    product.check();
    assert_eq!(
        target.len(),
        product.blocks * product.pixels * LANES,
        "one vector per pixel"
    );
    add_checked(isa, product, target);
}

/// Writes the products plus `bias [block][16]` through a gate to `target`, which consists of blocks
/// of equal length. `positions` gives the offset of each pixel in its block. The bits of a gate are
/// `[block][pixel]`.
pub(super) fn write(
    isa: Isa,
    product: Product<'_>,
    bias: &[f32],
    positions: &[u32],
    target: &mut [f32],
    gate: GateKind<'_>,
) {
    product.check();
    assert_eq!(bias.len(), product.blocks * LANES, "one bias per output");
    assert_eq!(positions.len(), product.pixels, "one position per pixel");
    let last = positions.iter().max().map_or(0, |last| *last as usize);
    assert!(
        last + LANES <= target.len() / product.blocks,
        "positions lie in the target"
    );
    assert!(
        gate.covers(product.blocks * product.pixels),
        "the bits cover all pixels"
    );
    match gate {
        GateKind::Relu6 => write_relu6(isa, product, bias, positions, target),
        GateKind::RecordingRelu6(bits) => {
            write_recording(isa, product, bias, positions, target, bits)
        }
        GateKind::Relu6Gradient(bits) => {
            write_gradient(isa, product, bias, positions, target, bits)
        }
        GateKind::Identity => unreachable!("expanded channels have an activation"),
    }
}

multiversion! {
    fn add_checked(product: Product<'_>, target: &mut [f32]) {
        let sink = Sum {
            target: target.as_mut_ptr(),
            pixels: product.pixels,
        };
        // SAFETY: this function is compiled for the instruction set of `S`; `add` checked the
        // lengths.
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
    fn write_recording(
        product: Product<'_>,
        bias: &[f32],
        positions: &[u32],
        target: &mut [f32],
        bits: &mut [u16],
    ) {
        let gate = RecordingRelu6(bits.as_mut_ptr());
        let sink = Placed::new(&product, bias, positions, target, gate);
        // SAFETY: as above.
        unsafe { all_blocks::<S, _>(product, sink) }
    }
}

multiversion! {
    fn write_gradient(
        product: Product<'_>,
        bias: &[f32],
        positions: &[u32],
        target: &mut [f32],
        bits: &[u16],
    ) {
        let gate = Relu6Gradient(bits.as_ptr());
        let sink = Placed::new(&product, bias, positions, target, gate);
        // SAFETY: as above.
        unsafe { all_blocks::<S, _>(product, sink) }
    }
}

/// Where a sum starts from and where it is stored.
trait Sink: Copy {
    /// # Safety
    /// The CPU supports the instruction set of `S`, and the sink contains this pixel of this block.
    unsafe fn start<S: Simd>(self, block: usize, pixel: usize) -> S::Vector;

    /// # Safety
    /// See [`Sink::start`].
    unsafe fn end<S: Simd>(self, block: usize, pixel: usize, value: S::Vector);
}

/// Adds to the target.
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

/// Adds a bias, applies a gate, and stores at given positions.
#[derive(Clone, Copy)]
struct Placed<'a, G> {
    bias: &'a [f32],
    positions: &'a [u32],
    target: *mut f32,
    /// Floats per block of the target.
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
/// The CPU supports the instruction set of `S`, the product is checked, and the sink contains its
/// pixels.
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
/// See [`all_blocks`]; the step is `STEP`.
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
/// See [`blocks_at`]; for `B` blocks from `block` on.
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

/// Computes `P` pixels of `B` blocks with their sums in registers.
///
/// # Safety
/// See [`all_pixels`]; for `P` pixels from `pixel` on.
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
