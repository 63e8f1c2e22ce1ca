//! The matrix products of a convolution over packed activations, and the packing of weights.
//! Outputs and input gradients use planar lines, weight gradients interleaved lines.

use rayon::prelude::*;

use crate::layout::Layout;
use crate::simd::{Isa, LANES, Simd, multiversion};
use crate::tile::tile;
use crate::workspace::{Scratch, scratch};

/// Number of floats in the largest register tile.
const TILE: usize = 8 * 3 * LANES;

/// Pixels over which a weight gradient accumulates before moving to the next register tile. Their
/// operands fit the L2 cache.
const PIXEL_BLOCK: usize = 1024;

/// One weight `[ky, kx]` of a kernel: the output line it contributes to, and the shift from the
/// output position to the input position.
///
/// An up-sampling convolution has four lines (*phases*) per output channel: the pixels of even and
/// odd rows and columns of the transposed convolution. A plain convolution has one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tap {
    /// `ky · kernel + kx`.
    pub(crate) index: usize,
    pub(crate) phase: usize,
    pub(crate) shift: isize,
}

/// The taps of a `kernel × kernel` convolution over lines with this pitch.
pub(crate) fn taps(kernel: usize, up: bool, pitch: usize) -> Vec<Tap> {
    let pitch = pitch as isize;
    let cells = (0..kernel).flat_map(|ky| (0..kernel).map(move |kx| (ky, kx)));
    cells
        .map(|(ky, kx)| {
            let index = ky * kernel + kx;
            if up {
                // t[2i + ky, 2j + kx] += x[i, j] · w[ky, kx].
                let shift = -((ky / 2) as isize * pitch + (kx / 2) as isize);
                Tap {
                    index,
                    phase: ky % 2 * 2 + kx % 2,
                    shift,
                }
            } else {
                // y[i, j] += x[i + ky − k/2, j + kx − k/2] · w[ky, kx].
                let centre = (kernel / 2) as isize;
                let shift = (ky as isize - centre) * pitch + kx as isize - centre;
                Tap {
                    index,
                    phase: 0,
                    shift,
                }
            }
        })
        .collect()
}

/// Weights in the order in which the register tile reads them: `[row tile][step][row in tile]`.
pub(crate) struct Panels {
    isa: Isa,
    rows: usize,
    values: Scratch,
    panel: usize,
}

impl Panels {
    /// Weights of the convolution: rows are output channels; steps are input channels times taps,
    /// phase by phase.
    pub(crate) fn forward(isa: Isa, weight: &[f32], channels: [usize; 2], taps: &[Tap]) -> Panels {
        let [out_channels, in_channels] = channels;
        let kernel = taps.len();
        let sources: Vec<usize> = steps_by_phase(in_channels, taps)
            .flatten()
            .map(|(ci, tap)| ci * kernel + tap.index)
            .collect();
        Panels::new(isa, weight, out_channels, in_channels * kernel, &sources)
    }

    /// Weights of the transposed convolution: rows are input channels; steps are output channels
    /// times taps.
    pub(crate) fn transposed(
        isa: Isa,
        weight: &[f32],
        channels: [usize; 2],
        taps: &[Tap],
    ) -> Panels {
        let [out_channels, in_channels] = channels;
        let kernel = taps.len();
        let sources: Vec<usize> = (0..out_channels)
            .flat_map(|co| {
                taps.iter()
                    .map(move |tap| co * in_channels * kernel + tap.index)
            })
            .collect();
        Panels::new(isa, weight, in_channels, kernel, &sources)
    }

    /// Packs `weight[row · row_stride + sources[step]]`; missing rows of the last tile are zero.
    fn new(isa: Isa, weight: &[f32], rows: usize, row_stride: usize, sources: &[usize]) -> Panels {
        let tile_rows = isa.tile_rows();
        let panel = sources.len() * tile_rows;
        let mut values = scratch(rows.div_ceil(tile_rows) * panel);
        values
            .par_chunks_mut(panel)
            .enumerate()
            .for_each(|(tile, panel)| {
                for (step, &source) in panel.chunks_exact_mut(tile_rows).zip(sources) {
                    for (r, value) in step.iter_mut().enumerate() {
                        let row = tile * tile_rows + r;
                        *value = if row < rows {
                            weight[row * row_stride + source]
                        } else {
                            0.0
                        };
                    }
                }
            });
        Panels {
            isa,
            rows,
            values,
            panel,
        }
    }
}

/// For each phase, its taps for every input channel.
fn steps_by_phase(
    in_channels: usize,
    taps: &[Tap],
) -> impl Iterator<Item = impl Iterator<Item = (usize, &Tap)>> {
    let phases = taps.iter().map(|tap| tap.phase + 1).max().unwrap_or(0);
    (0..phases).map(move |phase| {
        let fed = taps.iter().filter(move |tap| tap.phase == phase);
        (0..in_channels).flat_map(move |ci| fed.clone().map(move |tap| (ci, tap)))
    })
}

/// A matrix product from source lines to result lines.
pub(crate) struct Product<'a> {
    panels: &'a Panels,
    /// Per output phase: the offset of each step's operand in the source, relative to the vector's
    /// start.
    offsets: Vec<Vec<u32>>,
}

impl<'a> Product<'a> {
    /// The convolution: input lines `[in channel]` to output lines `[out channel][phase]`.
    pub(crate) fn forward(
        panels: &'a Panels,
        in_channels: usize,
        taps: &[Tap],
        layout: &Layout,
    ) -> Self {
        let offsets = steps_by_phase(in_channels, taps)
            .map(|steps| {
                steps
                    .map(|(ci, tap)| line_offset(layout, ci, tap.shift))
                    .collect()
            })
            .collect();
        Product { panels, offsets }
    }

    /// The transposed convolution: output gradient lines `[out channel][phase]` to input gradient
    /// lines `[in channel]`.
    pub(crate) fn transposed(
        panels: &'a Panels,
        out_channels: usize,
        taps: &[Tap],
        phases: usize,
        layout: &Layout,
    ) -> Self {
        let offset =
            |co: usize, tap: &Tap| line_offset(layout, co * phases + tap.phase, -tap.shift);
        let steps = (0..out_channels).flat_map(|co| taps.iter().map(move |tap| offset(co, tap)));
        Product {
            panels,
            offsets: vec![steps.collect()],
        }
    }

    /// Lines per row of the result.
    fn phases(&self) -> usize {
        self.offsets.len()
    }

    /// Number of floats in the result, including missing rows of the last tile.
    pub(crate) fn output_len(&self, layout: &Layout) -> usize {
        self.panels
            .rows
            .next_multiple_of(self.panels.isa.tile_rows())
            * self.phases()
            * layout.plane
    }

    /// Writes `output` (lines `[row][phase]`, zero margins) from the lines of `source`, for the
    /// vectors that begin at `starts`.
    pub(crate) fn run(&self, layout: &Layout, source: &[f32], starts: &[u32], output: &mut [f32]) {
        let tile_output = self.panels.isa.tile_rows() * self.phases() * layout.plane;
        output
            .par_chunks_mut(tile_output)
            .zip(self.panels.values.par_chunks(self.panels.panel))
            .for_each(|(output, panel)| {
                row_tile(
                    self.panels.isa,
                    layout,
                    panel,
                    &self.offsets,
                    source,
                    starts,
                    output,
                )
            });
    }
}

/// Index of the pixel at distance `shift` from the first pixel of a line.
fn line_offset(layout: &Layout, line: usize, shift: isize) -> u32 {
    let first = line * layout.plane + layout.margin;
    let index = first
        .checked_add_signed(shift)
        .expect("the margin covers the reach of the kernel");
    u32::try_from(index).expect("a group of images has fewer than 2³² elements")
}

multiversion! {
    /// Computes one tile of rows of a [`Product`] over all positions.
    fn row_tile(
        layout: &Layout,
        panel: &[f32],
        offsets: &[Vec<u32>],
        source: &[f32],
        starts: &[u32],
        output: &mut [f32],
    ) {
        let phases = offsets.len();
        let steps: usize = offsets.iter().map(Vec::len).sum();
        let furthest = offsets.iter().flatten().max().zip(starts.iter().max());
        let reach = furthest.map_or(0, |(&offset, &start)| {
            offset as usize + start as usize + LANES
        });
        assert!(
            panel.len() == steps * S::ROWS && reach <= source.len(),
            "a product must read inside its operands"
        );
        for line in output.chunks_exact_mut(layout.plane) {
            line[..layout.margin].fill(0.0);
        }
        let mut sums = [0.0; TILE];
        let sums = &mut sums[..S::ROWS * S::VECTORS * LANES];
        for starts in starts.chunks(S::VECTORS) {
            // A partial last tile repeats its first vector.
            let padded: [u32; 3] =
                std::array::from_fn(|v| starts[if v < starts.len() { v } else { 0 }]);
            let mut panel = panel;
            for (phase, offsets) in offsets.iter().enumerate() {
                sums.fill(0.0);
                // SAFETY: this function is compiled for the instruction set of `S`; the sizes were
                // checked above.
                unsafe {
                    tile::<S, { S::ROWS }, { S::VECTORS }, { S::ROWS }>(
                        panel.as_ptr(),
                        offsets,
                        source.as_ptr(),
                        &padded[..S::VECTORS],
                        sums.as_mut_ptr(),
                    )
                };
                panel = &panel[offsets.len() * S::ROWS..];
                for (r, sums) in sums.chunks_exact(S::VECTORS * LANES).enumerate() {
                    let line = &mut output[(r * phases + phase) * layout.plane + layout.margin..];
                    for (&start, sums) in starts.iter().zip(sums.chunks_exact(LANES)) {
                        line[start as usize..][..LANES].copy_from_slice(sums);
                    }
                }
            }
        }
    }
}

/// The weight gradient of a group of images.
pub(crate) struct WeightGradient {
    isa: Isa,
    /// Start in the gradient lines of each vector of sums (16 output channels at one tap), padded
    /// to whole tiles.
    starts: Vec<u32>,
    taps: usize,
    in_channels: usize,
    out_channels: usize,
}

impl WeightGradient {
    /// Over gradient lines interleaved as `[block of 16 out channels][phase][position][16]`.
    pub(crate) fn new(
        isa: Isa,
        channels: [usize; 2],
        taps: &[Tap],
        phases: usize,
        layout: &Layout,
    ) -> WeightGradient {
        let [out_channels, in_channels] = channels;
        let blocks = 0..out_channels.div_ceil(LANES);
        let mut starts: Vec<u32> = blocks
            .flat_map(|block| taps.iter().map(move |tap| (block, tap)))
            .map(|(block, tap)| {
                line_offset(layout, block * phases + tap.phase, -tap.shift) * LANES as u32
            })
            .collect();
        starts.resize(starts.len().next_multiple_of(isa.tile_vectors()), starts[0]);
        WeightGradient {
            isa,
            starts,
            taps: taps.len(),
            in_channels,
            out_channels,
        }
    }

    /// Number of floats in the gradient of one group: `[in tile][vector tile][row][vector][16]`.
    pub(crate) fn len(&self) -> usize {
        self.in_channels.next_multiple_of(LANES) * self.starts.len() * LANES
    }

    /// The gradient of one group. `x` is `[block of 16 in channels][pixel][16]`, `gradient` is laid
    /// out as in [`Self::new`], and `pixels` holds the position of every pixel times 16.
    pub(crate) fn run(&self, x: &[f32], gradient: &[f32], pixels: &[u32], sums: &mut [f32]) {
        sums.par_chunks_mut(LANES * self.starts.len() * LANES)
            .zip(x.par_chunks(pixels.len() * LANES))
            .for_each(|(sums, x)| {
                gradient_block(self.isa, x, gradient, pixels, &self.starts, sums)
            });
    }

    /// Sums the gradients of all groups, in order, into `weight [out, in, taps]`.
    pub(crate) fn collect(&self, groups: &[f32], weight: &mut [f32]) {
        let (rows, vectors, taps) = (self.isa.tile_rows(), self.isa.tile_vectors(), self.taps);
        let row_len = self.in_channels * taps;
        weight
            .par_chunks_mut(LANES * row_len)
            .enumerate()
            .for_each(|(block, weight)| {
                let lanes = LANES.min(self.out_channels - block * LANES);
                for ci in 0..self.in_channels {
                    for tap in 0..taps {
                        let v = block * taps + tap;
                        let tile = (ci / rows * (self.starts.len() / vectors) + v / vectors) * rows
                            + ci % rows;
                        let index = (tile * vectors + v % vectors) * LANES;
                        let mut total = [0.0; LANES];
                        for group in groups.chunks_exact(self.len()) {
                            for (total, value) in total.iter_mut().zip(&group[index..index + LANES])
                            {
                                *total += value;
                            }
                        }
                        for (lane, total) in total[..lanes].iter().enumerate() {
                            weight[lane * row_len + ci * taps + tap] = *total;
                        }
                    }
                }
            });
    }
}

multiversion! {
    /// Computes a block of 16 input channels of a [`WeightGradient`] over all pixels of a group.
    fn gradient_block(
        x: &[f32],
        gradient: &[f32],
        pixels: &[u32],
        starts: &[u32],
        sums: &mut [f32],
    ) {
        let furthest = pixels.iter().max().zip(starts.iter().max());
        let reach = furthest.map_or(0, |(&pixel, &start)| {
            pixel as usize + start as usize + LANES
        });
        assert!(
            x.len() == pixels.len() * LANES && reach <= gradient.len(),
            "a product must read inside its operands"
        );
        sums.fill(0.0);
        for (row_tile, sums) in sums
            .chunks_exact_mut(S::ROWS * starts.len() * LANES)
            .enumerate()
        {
            for (x, pixels) in x
                .chunks(PIXEL_BLOCK * LANES)
                .zip(pixels.chunks(PIXEL_BLOCK))
            {
                let panel = x[row_tile * S::ROWS..].as_ptr();
                let tiles = sums.chunks_exact_mut(S::ROWS * S::VECTORS * LANES);
                for (sums, starts) in tiles.zip(starts.chunks_exact(S::VECTORS)) {
                    // SAFETY: this function is compiled for the instruction set of `S`; the sizes
                    // were checked above.
                    unsafe {
                        tile::<S, { S::ROWS }, { S::VECTORS }, LANES>(
                            panel,
                            pixels,
                            gradient.as_ptr(),
                            starts,
                            sums.as_mut_ptr(),
                        )
                    };
                }
            }
        }
    }
}
