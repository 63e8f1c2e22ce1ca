//! Both directions of a block share one scheme: expand, depthwise convolution, project. The
//! backward pass expands the output gradient with the transposed weights of the projection.

use std::ops::Range;

use super::packed::Block;
use super::product::{BLOCKS, Product, add, block_offsets, write};
use crate::depthwise::{GateKind, Plan, Window, convolve};
use crate::simd::{Isa, LANES, multiversion};
use crate::workspace::scratch;

/// Most floats of convolved channels that are projected at once, so that they stay in the L2 cache
/// together with a frame.
const CONVOLVED: usize = 1 << 15;

/// Most channel blocks per projection, so that the weights of a few outputs stay in the L1 cache.
const NARROWED: usize = 12;

/// The gates before and after the depthwise convolution, with bits `[inner block][pixel]`. The
/// first are empty without an expansion, the second without a projection.
pub(super) enum Gates<'a> {
    Relu6,
    RecordingRelu6([&'a mut [u16]; 2]),
    Relu6Gradient([&'a [u16]; 2]),
}

impl Gates<'_> {
    /// The gate before (0) or after (1) the depthwise convolution, for a range of channel blocks.
    fn at(&mut self, place: usize, blocks: Range<usize>, pixels: usize) -> GateKind<'_> {
        let range = blocks.start * pixels..blocks.end * pixels;
        match self {
            Gates::Relu6 => GateKind::Relu6,
            Gates::RecordingRelu6(bits) => GateKind::RecordingRelu6(&mut bits[place][range]),
            Gates::Relu6Gradient(bits) => GateKind::Relu6Gradient(&bits[place][range]),
        }
    }
}

/// One direction of a block on images of one size.
pub(super) struct Pass<'a> {
    isa: Isa,
    plan: &'a Plan,
    /// Offsets of the pixels in the frames of a whole group.
    positions: &'a [u32],
    /// `[inner block][input][16]`.
    widen: Option<&'a [f32]>,
    widen_bias: Option<&'a [f32]>,
    weights: &'a [f32],
    bias: Option<&'a [f32]>,
    /// `[output block][inner][16]`.
    narrow: Option<&'a [f32]>,
    narrow_bias: Option<&'a [f32]>,
    inputs: usize,
    inner: usize,
    is_residual: bool,
}

/// Plans of a block for images of one size.
pub(super) struct Sized {
    forward: Plan,
    transposed: Plan,
    forward_positions: Vec<u32>,
    transposed_positions: Vec<u32>,
}

impl Sized {
    /// For groups of up to `images` images.
    pub(super) fn new(block: &Block, [height, width]: [usize; 2], images: usize) -> Self {
        let window = Window {
            height,
            width,
            kernel: block.kernel,
            stride: block.stride,
        };
        let [forward, transposed] = [window.forward(), window.transposed()];
        Self {
            forward_positions: forward.positions(images),
            transposed_positions: transposed.positions(images),
            forward,
            transposed,
        }
    }

    /// Pixels per image before and after.
    pub(super) fn pixels(&self) -> [usize; 2] {
        [self.forward.source_pixels(), self.forward.target_pixels()]
    }
}

impl<'a> Pass<'a> {
    pub(super) fn forward(isa: Isa, block: &'a Block, sized: &'a Sized) -> Self {
        Self {
            isa,
            plan: &sized.forward,
            positions: &sized.forward_positions,
            widen: block.expand.as_ref().map(|expand| &expand.forward[..]),
            widen_bias: block.expand.as_ref().map(|expand| &expand.bias[..]),
            weights: &block.weights,
            bias: Some(&block.bias),
            narrow: Some(&block.project.forward),
            narrow_bias: Some(&block.project.bias),
            inputs: block.inputs,
            inner: block.inner,
            is_residual: block.is_residual(),
        }
    }

    pub(super) fn backward(isa: Isa, block: &'a Block, sized: &'a Sized) -> Self {
        Self {
            isa,
            plan: &sized.transposed,
            positions: &sized.transposed_positions,
            widen: Some(&block.project.transposed),
            widen_bias: None,
            weights: &block.weights,
            bias: None,
            narrow: block.expand.as_ref().map(|expand| &expand.transposed[..]),
            narrow_bias: None,
            inputs: block.outputs,
            inner: block.inner,
            is_residual: block.is_residual(),
        }
    }

    /// Runs `images` images from x `[input block][pixel][16]` to y `[output block][pixel][16]`.
    pub(super) fn run(&self, images: usize, x: &[f32], y: &mut [f32], mut gates: Gates<'_>) {
        let [before, after] =
            [self.plan.source_pixels(), self.plan.target_pixels()].map(|plane| images * plane);
        let blocks = self.inner.div_ceil(LANES);
        let mut frames = scratch(BLOCKS.min(blocks) * images * self.plan.frame_len());
        for frame in frames.chunks_exact_mut(self.plan.frame_len()) {
            self.plan.clear_margin(frame);
        }
        let Some(narrow) = self.narrow else {
            for (index, y) in y.chunks_mut(BLOCKS * after * LANES).enumerate() {
                let first = index * BLOCKS;
                let count = y.len() / (after * LANES);
                self.widen(first..first + count, before, x, &mut frames, &mut gates);
                self.convolve(first..first + count, &frames, y, GateKind::Identity);
            }
            if self.is_residual {
                y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
            }
            return;
        };
        self.start(after, x, y);
        let chunk = (CONVOLVED / (after * LANES)).clamp(BLOCKS, NARROWED);
        let mut convolved = scratch(chunk.min(blocks) * after * LANES);
        let offsets = block_offsets(chunk * LANES, after);
        for first in (0..blocks).step_by(chunk) {
            let count = chunk.min(blocks - first);
            for start in (first..first + count).step_by(BLOCKS) {
                let some = start..(start + BLOCKS).min(first + count);
                self.widen(some.clone(), before, x, &mut frames, &mut gates);
                let place = |block: usize| (block - first) * after * LANES;
                let out = &mut convolved[place(some.start)..place(some.end)];
                let gate = gates.at(1, some.clone(), after);
                self.convolve(some, &frames, out, gate);
            }
            let product = Product {
                panels: &narrow[first * LANES * LANES..],
                panel: blocks * LANES * LANES,
                blocks: y.len() / (after * LANES),
                offsets: &offsets[..count * LANES],
                source: &convolved,
                step: LANES,
                pixels: after,
            };
            add(self.isa, product, y);
        }
    }

    /// Starts y with the bias, plus x in a residual block.
    fn start(&self, pixels: usize, x: &[f32], y: &mut [f32]) {
        if self.is_residual {
            y.copy_from_slice(x);
        } else {
            y.fill(0.0);
        }
        let Some(bias) = self.narrow_bias else {
            return;
        };
        let blocks = y.chunks_exact_mut(pixels * LANES);
        for (y, bias) in blocks.zip(bias.as_chunks::<LANES>().0) {
            add_to_pixels(self.isa, bias, y);
        }
    }

    /// Expands into a range of channel blocks, in frames `[block][image]`.
    fn widen(
        &self,
        blocks: Range<usize>,
        pixels: usize,
        x: &[f32],
        frames: &mut [f32],
        gates: &mut Gates<'_>,
    ) {
        let positions = &self.positions[..pixels];
        let len = frames.len() / BLOCKS.min(self.inner.div_ceil(LANES));
        let frames = &mut frames[..blocks.len() * len];
        let Some(panels) = self.widen else {
            let x = x[blocks.start * pixels * LANES..].chunks_exact(pixels * LANES);
            for (frames, x) in frames.chunks_exact_mut(len).zip(x) {
                for (&position, pixel) in positions.iter().zip(x.as_chunks::<LANES>().0) {
                    frames[position as usize..][..LANES].copy_from_slice(pixel);
                }
            }
            return;
        };
        let panel = self.inputs.next_multiple_of(LANES) * LANES;
        let product = Product {
            panels: &panels[blocks.start * panel..],
            panel,
            blocks: blocks.len(),
            offsets: &block_offsets(self.inputs, pixels),
            source: x,
            step: LANES,
            pixels,
        };
        let zeros = [0.0; BLOCKS * LANES];
        let bias = self
            .widen_bias
            .map_or(&zeros[..blocks.len() * LANES], |bias| {
                &bias[blocks.start * LANES..blocks.end * LANES]
            });
        write(
            self.isa,
            product,
            bias,
            positions,
            frames,
            gates.at(0, blocks, pixels),
        );
    }

    /// Convolves a range of channel blocks of all images, from frames to
    /// `target [block][pixel][16]`.
    fn convolve(
        &self,
        blocks: Range<usize>,
        frames: &[f32],
        target: &mut [f32],
        mut gate: GateKind<'_>,
    ) {
        let places = self.weights.len() / self.inner.div_ceil(LANES);
        let plane = self.plan.target_pixels();
        let images = target.len() / (blocks.len() * plane * LANES);
        let frames = frames.chunks_exact(self.plan.frame_len());
        for (index, (frame, target)) in frames
            .zip(target.chunks_exact_mut(plane * LANES))
            .enumerate()
        {
            let block = blocks.start + index / images;
            let weights = &self.weights[block * places..][..places];
            let bias = self
                .bias
                .map_or(&[0.0; LANES], |bias| &bias.as_chunks().0[block]);
            let (now, rest) = gate.split(plane);
            convolve(self.isa, self.plan, weights, bias, frame, target, now);
            gate = rest;
        }
    }
}

multiversion! {
    /// Adds `bias` to every pixel of `y [pixel][16]`.
    fn add_to_pixels(bias: &[f32; LANES], y: &mut [f32]) {
        for y in y.as_chunks_mut::<LANES>().0 {
            for (y, bias) in y.iter_mut().zip(bias) {
                *y += bias;
            }
        }
    }
}
