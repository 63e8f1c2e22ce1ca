//! Products of a matrix with rows of planes.

use rayon::prelude::*;

use crate::activation::{Finish, finish_row};
use crate::simd::{Isa, LANES, Simd, multiversion};
use crate::tile::tile;
use crate::workspace::{Scratch, scratch};

/// Rows and vectors of the register tile on CPUs with 32 registers. Few vectors are loaded, rows
/// are broadcast.
const WIDE: [usize; 2] = [6, 4];

/// Rows of the tile on other CPUs.
const NARROW: usize = 4;

/// Vectors of pixels that are multiplied together.
const VECTORS: usize = WIDE[1];

/// Rows of an image per thread task, a multiple of both tiles.
const ROWS: usize = 48;

/// A matrix in the order in which the register tile reads it: `[row tile][step][row in tile]`.
pub(super) struct Panels {
    isa: Isa,
    rows: usize,
    steps: usize,
    values: Scratch,
}

impl Panels {
    /// Packs the `[rows, steps]` matrix with elements `at(row, step)`.
    pub(super) fn new(
        isa: Isa,
        [rows, steps]: [usize; 2],
        at: impl Fn(usize, usize) -> f32 + Sync,
    ) -> Self {
        let tile_rows = tile_rows(isa);
        let panel = steps * tile_rows;
        let mut values = scratch(rows.div_ceil(tile_rows) * panel);
        values
            .par_chunks_mut(panel)
            .enumerate()
            .for_each(|(tile, panel)| {
                for (index, value) in panel.iter_mut().enumerate() {
                    let row = tile * tile_rows + index % tile_rows;
                    *value = if row < rows {
                        at(row, index / tile_rows)
                    } else {
                        0.0
                    };
                }
            });
        Self {
            isa,
            rows,
            steps,
            values,
        }
    }
}

fn tile_rows(isa: Isa) -> usize {
    if isa.tile_rows() * isa.tile_vectors() >= WIDE[0] * WIDE[1] {
        WIDE[0]
    } else {
        NARROW
    }
}

/// Rows of some images that are computed together.
struct Part<'a> {
    /// Images `[n, steps, pixels]`.
    x: &'a [f32],
    first_row: usize,
    rows: usize,
    /// `[n, rows, pixels]`.
    y: &'a mut [f32],
}

/// y `[N, rows, pixels]` from x `[N, steps, pixels]`; `finish(row)` finishes each row.
pub(super) fn multiply(
    panels: &Panels,
    pixels: usize,
    x: &[f32],
    y: &mut [f32],
    finish: &(dyn Fn(usize) -> Finish + Sync),
) {
    let (rows, steps) = (panels.rows, panels.steps);
    let images = (VECTORS * LANES).div_ceil(pixels);
    let groups = x
        .chunks(images * steps * pixels)
        .zip(y.chunks_mut(images * rows * pixels));
    let parts: Vec<Part<'_>> = match images {
        1 => groups
            .flat_map(|(x, y)| {
                y.chunks_mut(ROWS * pixels)
                    .enumerate()
                    .map(move |(index, y)| Part {
                        x,
                        first_row: index * ROWS,
                        rows: y.len() / pixels,
                        y,
                    })
            })
            .collect(),
        _ => groups
            .map(|(x, y)| Part {
                x,
                first_row: 0,
                rows,
                y,
            })
            .collect(),
    };
    let offsets: Vec<u32> = (0..steps)
        .map(|step| (step * VECTORS * LANES) as u32)
        .collect();
    parts
        .into_par_iter()
        .for_each(|part| multiply_part(panels, pixels, &offsets, part, finish));
}

fn multiply_part(
    panels: &Panels,
    pixels: usize,
    offsets: &[u32],
    part: Part<'_>,
    finish: &(dyn Fn(usize) -> Finish + Sync),
) {
    let tile_rows = tile_rows(panels.isa);
    let images = part.x.len() / (panels.steps * pixels);
    let per_image = pixels / LANES;
    let mut packed = scratch(panels.steps * VECTORS * LANES);
    let finishes: Vec<Finish> = (0..part.rows)
        .map(|row| finish(part.first_row + row))
        .collect();
    for first in (0..images * per_image).step_by(VECTORS) {
        // Repeats the last of fewer vectors than a tile has.
        let places: [[usize; 2]; VECTORS] = std::array::from_fn(|v| {
            let vector = (first + v).min(images * per_image - 1);
            [vector / per_image, vector % per_image * LANES]
        });
        let count = VECTORS.min(images * per_image - first);
        pack(
            part.x,
            places.map(|[image, pixel]| image * panels.steps * pixels + pixel),
            pixels,
            &mut packed,
        );
        for row in (0..part.rows).step_by(tile_rows) {
            let tile = (part.first_row + row) / tile_rows * tile_rows * panels.steps;
            let panel = &panels.values[tile..][..tile_rows * panels.steps];
            let targets = places.map(|[image, pixel]| (image * part.rows + row) * pixels + pixel);
            let finishes = &finishes[row..part.rows.min(row + tile_rows)];
            multiply_tile(
                panels.isa,
                panel,
                offsets,
                &packed,
                finishes,
                &targets[..count],
                pixels,
                part.y,
            );
        }
    }
}

/// Copies the vectors at `starts` of every plane next to each other.
fn pack(x: &[f32], starts: [usize; VECTORS], pixels: usize, packed: &mut [f32]) {
    for (step, out) in packed.chunks_exact_mut(VECTORS * LANES).enumerate() {
        for (out, start) in out.as_chunks_mut::<LANES>().0.iter_mut().zip(starts) {
            out.copy_from_slice(&x[start + step * pixels..][..LANES]);
        }
    }
}

multiversion! {
    /// Computes one register tile. `finishes` has one entry per row; `targets` gives the vectors'
    /// places in the first row.
    fn multiply_tile(
        panel: &[f32],
        offsets: &[u32],
        packed: &[f32],
        finishes: &[Finish],
        targets: &[usize],
        pixels: usize,
        y: &mut [f32],
    ) {
        let mut out = [0.0; WIDE[0] * WIDE[1] * LANES];
        let starts: [u32; VECTORS] = std::array::from_fn(|v| (v * LANES) as u32);
        // SAFETY: this function is compiled for the instruction set of `S`; a panel holds its rows
        // of every step, and `packed` holds all vectors of every step.
        unsafe {
            if S::ROWS * S::VECTORS >= WIDE[0] * WIDE[1] {
                tile::<S, { WIDE[0] }, { WIDE[1] }, { WIDE[0] }>(
                    panel.as_ptr(),
                    offsets,
                    packed.as_ptr(),
                    &starts,
                    out.as_mut_ptr(),
                );
            } else {
                // One vector after another, `[vector][row]`; reordered below.
                for (start, out) in starts.chunks(1).zip(out.chunks_exact_mut(NARROW * LANES)) {
                    tile::<S, NARROW, 1, NARROW>(
                        panel.as_ptr(),
                        offsets,
                        packed.as_ptr(),
                        start,
                        out.as_mut_ptr(),
                    );
                }
            }
        }
        let is_wide = S::ROWS * S::VECTORS >= WIDE[0] * WIDE[1];
        for (r, finish) in finishes.iter().enumerate() {
            for (v, &target) in targets.iter().enumerate() {
                let place = if is_wide {
                    r * WIDE[1] + v
                } else {
                    v * NARROW + r
                };
                let target = &mut y[target + r * pixels..][..LANES];
                target.copy_from_slice(&out[place * LANES..][..LANES]);
                finish_row(finish, &[], target);
            }
        }
    }
}
