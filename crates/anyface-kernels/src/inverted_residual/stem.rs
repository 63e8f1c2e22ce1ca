//! The stem: a 3×3 convolution of RGB images with stride 2 and ReLU6.

use super::FrozenConv;
use super::packed::{padded, panels};
use super::product::{PLANAR_STEP, Product, add, block_offsets, write};
use crate::depthwise::GateKind;
use crate::layout::deinterleave;
use crate::simd::{Isa, LANES, multiversion};
use crate::workspace::scratch;

const COLOURS: usize = 3;
const KERNEL: usize = 3;
const STRIDE: usize = 2;

/// Weights per output channel.
const PLACES: usize = COLOURS * KERNEL * KERNEL;

/// The stem, for images with an even height and width.
#[derive(Debug)]
pub(super) struct Stem {
    pub(super) outputs: usize,
    /// `[output block][27][16]`.
    forward: Vec<f32>,
    /// `[weight block][output][16]`, outputs padded to whole blocks.
    transposed: Vec<f32>,
    /// `[output block][16]`.
    bias: Vec<f32>,
}

impl Stem {
    pub(super) fn new(conv: &FrozenConv<'_>) -> Self {
        let (weight, outputs) = (conv.weight, conv.bias.len());
        assert_eq!(
            weight.len(),
            outputs * PLACES,
            "the stem needs 3×3 kernels on 3 colours"
        );
        let at = |output: usize, place: usize| {
            if output < outputs {
                weight[output * PLACES + place]
            } else {
                0.0
            }
        };
        Self {
            outputs,
            forward: panels(outputs, PLACES, |place, output| at(output, place)),
            transposed: panels(PLACES, outputs.next_multiple_of(LANES), at),
            bias: padded(conv.bias),
        }
    }

    /// Convolves one image `[3, H, W]` to y `[output block][pixel][16]`, whose blocks lie `stride`
    /// floats apart. Bits `[output block][pixel]` lie `stride / 16` apart; empty if not requested.
    pub(super) fn forward(
        &self,
        isa: Isa,
        [height, width]: [usize; 2],
        image: &[f32],
        y: &mut [f32],
        bits: &mut [u16],
        stride: usize,
    ) {
        // Padded with one zero row and one zero column at the end.
        let [rows, pitch] = [height + 1, width + 1];
        let mut frame = scratch(COLOURS * rows * pitch);
        frame.fill(0.0);
        for (frame, plane) in frame
            .chunks_exact_mut(rows * pitch)
            .zip(image.chunks_exact(height * width))
        {
            for (out, row) in frame.chunks_exact_mut(pitch).zip(plane.chunks_exact(width)) {
                out[..width].copy_from_slice(row);
            }
        }
        let offsets: Vec<u32> = (0..PLACES)
            .map(|place| {
                let [colour, row, column] = [
                    place / (KERNEL * KERNEL),
                    place / KERNEL % KERNEL,
                    place % KERNEL,
                ];
                ((colour * rows + row) * pitch + column) as u32
            })
            .collect();
        let columns = width / STRIDE;
        let positions: Vec<u32> = (0..columns).map(|column| (column * LANES) as u32).collect();
        for (block, bias) in self.bias.chunks_exact(LANES).enumerate() {
            let panels = &self.forward[block * PLACES * LANES..][..PLACES * LANES];
            for row in 0..height / STRIDE {
                let product = Product {
                    panels,
                    panel: panels.len(),
                    blocks: 1,
                    offsets: &offsets,
                    source: &frame[row * STRIDE * pitch..],
                    step: PLANAR_STEP,
                    pixels: columns,
                };
                let first = block * stride / LANES + row * columns;
                let gate = match bits.is_empty() {
                    true => GateKind::Relu6,
                    false => GateKind::RecordingRelu6(&mut bits[first..][..columns]),
                };
                let y = &mut y[first * LANES..][..columns * LANES];
                write(isa, product, bias, &positions, y, gate);
            }
        }
    }

    /// The gradient of one image `[3, H, W]`, given the gradient of y before its activation in the
    /// layout of y.
    pub(super) fn backward(
        &self,
        isa: Isa,
        [height, width]: [usize; 2],
        grad_y: &[f32],
        stride: usize,
        grad_image: &mut [f32],
    ) {
        let columns = width / STRIDE;
        let offsets = block_offsets(self.bias.len(), stride / LANES);
        let blocks = PLACES.div_ceil(LANES);
        let mut vectors = scratch(blocks * columns * LANES);
        // Contributions of two rows of y to the 27 kernel positions of each pixel:
        // `[position][column]`.
        let [mut above, mut here] = [(); 2].map(|()| scratch(blocks * LANES * columns));
        above.fill(0.0);
        for row in 0..height / STRIDE {
            let product = Product {
                panels: &self.transposed,
                panel: self.bias.len() * LANES,
                blocks,
                offsets: &offsets,
                source: &grad_y[row * columns * LANES..],
                step: LANES,
                pixels: columns,
            };
            vectors.fill(0.0);
            add(isa, product, &mut vectors);
            let lines = here.chunks_exact_mut(LANES * columns);
            for (vectors, lines) in vectors.chunks_exact(columns * LANES).zip(lines) {
                let mut lines: Vec<_> = lines.chunks_exact_mut(columns).collect();
                deinterleave(isa, vectors, 0, &mut lines);
            }
            for (colour, plane) in grad_image.chunks_exact_mut(height * width).enumerate() {
                let rows = &mut plane[row * STRIDE * width..][..STRIDE * width];
                let (even, odd) = rows.split_at_mut(width);
                let first = colour * KERNEL * KERNEL * columns;
                let places = KERNEL * columns;
                gather(
                    isa,
                    columns,
                    &here[first..],
                    &above[first + 2 * places..],
                    even,
                );
                gather(isa, columns, &here[first + places..], &[], odd);
            }
            std::mem::swap(&mut above, &mut here);
        }
    }
}

multiversion! {
    /// One row of a gradient from kernel rows `[3][column]`: those of y's row at the same height
    /// and, if not empty, of the row above.
    fn gather(columns: usize, here: &[f32], above: &[f32], row: &mut [f32]) {
        fill_pairs(columns, here, row, false);
        if !above.is_empty() {
            fill_pairs(columns, above, row, true);
        }
    }
}

/// Sets, or adds, the contributions of positions 0, 1 and 2 of a kernel row to pixels `2j`,
/// `2j + 1` and `2j + 2`.
#[inline(always)]
fn fill_pairs(columns: usize, places: &[f32], row: &mut [f32], adds: bool) {
    let [first, second, third] = [0, 1, 2].map(|place| &places[place * columns..][..columns]);
    let mut before = 0.0;
    for (((pair, first), second), third) in row
        .as_chunks_mut::<STRIDE>()
        .0
        .iter_mut()
        .zip(first)
        .zip(second)
        .zip(third)
    {
        let [even, odd] = [first + before, *second];
        before = *third;
        *pair = if adds {
            [pair[0] + even, pair[1] + odd]
        } else {
            [even, odd]
        };
    }
}
