//! How features lie in memory.
//!
//! Networks that learn keep them in planes, as tensors do. Between the layers of a network for inference they stay
//! in blocks: what a strip of Winograd's algorithm reads or writes of a block is then one slice.

use rayon::prelude::*;

use crate::layout::{deinterleave, interleave};
use crate::simd::{Isa, LANES};

/// The order of the numbers of N images with C channels of H × W pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Lines of one channel: `[N, C, H, W]`.
    Planes,
    /// Lines of 16 channels beside each other: `[N, ⌈C/16⌉, H, W, 16]`. Superfluous channels hold anything finite.
    Blocks,
}

impl Order {
    /// Channels of a line, which are the numbers of its pixels.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Order::Planes => 1,
            Order::Blocks => LANES,
        }
    }

    /// Lines of one image.
    pub(crate) fn lines(self, channels: usize) -> usize {
        channels.div_ceil(self.lanes())
    }

    /// Numbers of `images` images.
    pub(crate) fn len(self, [images, channels, pixels]: [usize; 3]) -> usize {
        images * self.lines(channels) * pixels * self.lanes()
    }
}

/// Numbers of features `[N, C, pixels]` in blocks: `[N, ⌈C/16⌉, pixels, 16]`.
pub fn blocked_len(shape: [usize; 3]) -> usize {
    Order::Blocks.len(shape)
}

/// Features `[N, C, pixels]` to `[N, ⌈C/16⌉, pixels, 16]`.
///
/// # Panics
/// If a slice has not the length that its shape asks for.
pub fn planes_to_blocks(isa: Isa, shape: [usize; 3], planes: &[f32], blocks: &mut [f32]) {
    check(shape, planes, blocks);
    let [_, channels, pixels] = shape;
    let images = planes.chunks(channels * pixels);
    let parts: Vec<_> = images
        .flat_map(|image| image.chunks(LANES * pixels))
        .collect();
    let blocks = blocks.par_chunks_mut(pixels * LANES);
    parts
        .into_par_iter()
        .zip(blocks)
        .for_each(|(planes, block)| {
            let lines: Vec<_> = planes.chunks_exact(pixels).collect();
            interleave(isa, &lines, &[1.0; LANES], block);
        });
}

/// The reverse of [`planes_to_blocks`].
///
/// # Panics
/// If a slice has not the length that its shape asks for.
pub fn blocks_to_planes(isa: Isa, shape: [usize; 3], blocks: &[f32], planes: &mut [f32]) {
    check(shape, planes, blocks);
    let [_, channels, pixels] = shape;
    let images = planes.chunks_mut(channels * pixels);
    let parts: Vec<_> = images
        .flat_map(|image| image.chunks_mut(LANES * pixels))
        .collect();
    let blocks = blocks.par_chunks(pixels * LANES);
    parts
        .into_par_iter()
        .zip(blocks)
        .for_each(|(planes, block)| {
            let mut lines: Vec<_> = planes.chunks_exact_mut(pixels).collect();
            deinterleave(isa, block, 0, &mut lines);
        });
}

fn check(shape: [usize; 3], planes: &[f32], blocks: &[f32]) {
    assert_eq!(
        planes.len(),
        Order::Planes.len(shape),
        "length of planes {shape:?}"
    );
    assert_eq!(
        blocks.len(),
        Order::Blocks.len(shape),
        "length of blocks {shape:?}"
    );
}
