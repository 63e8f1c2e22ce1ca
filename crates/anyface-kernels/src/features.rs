//! Memory layouts of features.
//!
//! Training keeps features in planes, as tensors do. Between the layers of an inference network
//! they stay in blocks, where a Winograd strip reads or writes one slice per block.

use rayon::prelude::*;

use crate::layout::{deinterleave, interleave};
use crate::simd::{Isa, LANES};

/// Layout of N images with C channels of H × W pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Lines of one channel: `[N, C, H, W]`.
    Planes,
    /// Lines of 16 interleaved channels: `[N, ⌈C/16⌉, H, W, 16]`. Padding channels hold any finite
    /// value.
    Blocks,
}

impl Order {
    /// Channels per line.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Order::Planes => 1,
            Order::Blocks => LANES,
        }
    }

    /// Lines per image.
    pub(crate) fn lines(self, channels: usize) -> usize {
        channels.div_ceil(self.lanes())
    }

    /// Number of values in `images` images.
    pub(crate) fn len(self, [images, channels, pixels]: [usize; 3]) -> usize {
        images * self.lines(channels) * pixels * self.lanes()
    }
}

/// Number of values in blocked features `[N, ⌈C/16⌉, pixels, 16]`, for `[N, C, pixels]`.
pub fn blocked_len(shape: [usize; 3]) -> usize {
    Order::Blocks.len(shape)
}

/// Converts features `[N, C, pixels]` to `[N, ⌈C/16⌉, pixels, 16]`.
///
/// # Panics
/// If the length of a slice does not match its shape.
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

/// Inverse of [`planes_to_blocks`].
///
/// # Panics
/// If the length of a slice does not match its shape.
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
        "length of planes for {shape:?}"
    );
    assert_eq!(
        blocks.len(),
        Order::Blocks.len(shape),
        "length of blocks for {shape:?}"
    );
}
