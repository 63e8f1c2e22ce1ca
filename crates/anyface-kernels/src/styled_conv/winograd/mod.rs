//! Both passes by Winograd's algorithm, strip by strip.

mod backward;
mod forward;

use std::ops::Range;

use rayon::prelude::*;

use super::Call;
use crate::layout::{deinterleave, interleave};
use crate::simd::LANES;
use crate::winograd::{
    Matrices, Operand, PAIR, Strip, Strips, Target, Weights, input_tiles, multiply, output_pixels,
};
use crate::workspace::{Scratch, scratch};

/// A strip with the rows that it writes: by 32 channels, of every image and in it of every channel.
type Work<'a> = (Strip, Vec<Vec<&'a mut [f32]>>);

/// Transformed tiles of all channels.
struct Tiles {
    values: Scratch,
    shape: Matrices,
}

impl Tiles {
    /// In f32.
    fn new(up: bool, strip: &Strip, channels: usize) -> Tiles {
        Tiles::of(Matrices::tiles(up, strip.tiles(), channels))
    }

    fn of(shape: Matrices) -> Tiles {
        Tiles {
            values: scratch(shape.len()),
            shape,
        }
    }

    fn all(&self) -> Operand<'_> {
        Operand {
            values: &self.values,
            shape: self.shape,
        }
    }
}

impl Call<'_> {
    fn strips(&self) -> Strips {
        let conv = self.conv;
        let channels = conv.in_channels.max(conv.out_channels);
        Strips::new(conv.up, [conv.batch, channels, conv.height, conv.width])
    }

    /// The strips, with the rows of `planes [N, channels, H, W]` that each writes.
    fn work<'a>(&self, planes: &'a mut [f32], channels: usize) -> Vec<Work<'a>> {
        let strips = self.strips();
        let mut rows = strips.divide(planes, channels).into_iter();
        let pairs = channels.div_ceil(PAIR);
        strips
            .all()
            .map(|strip| (strip, rows.by_ref().take(pairs).collect()))
            .collect()
    }

    /// The transformed tiles of the styled input.
    fn input(&self, strip: &Strip) -> Tiles {
        let conv = self.conv;
        let shape = Matrices::tiles(conv.up, strip.tiles(), conv.in_channels);
        let mut tiles = Tiles::of(shape.packed_tiles(self.isa));
        let shape = tiles.shape;
        tiles
            .values
            .par_chunks_mut(shape.block())
            .enumerate()
            .for_each(|(block, values)| {
                let channels = block * LANES..conv.in_channels.min((block + 1) * LANES);
                let mut pixels = scratch(strip.images.len() * strip.halo_pixels() * LANES);
                for (image, pixels) in strip
                    .images
                    .clone()
                    .zip(pixels.chunks_exact_mut(strip.halo_pixels() * LANES))
                {
                    let lines = channels.clone().map(|ci| {
                        let plane = (image * conv.in_channels + ci) * conv.input_plane();
                        &self.inputs.x[plane + strip.halo.start * conv.width..]
                            [..strip.halo_pixels()]
                    });
                    let scales = &self.style[image * conv.in_channels..][channels.clone()];
                    interleave(self.isa, &lines.collect::<Vec<_>>(), scales, pixels);
                }
                input_tiles(self.isa, strip, &pixels, Target { values, shape });
            });
        tiles
    }

    /// The convolution of `tiles` to `rows`, each of which goes through `finish` with its image and channel.
    fn convolve<T: Send>(
        &self,
        strip: &Strip,
        tiles: Operand<'_>,
        weights: &Weights,
        rows: Vec<Vec<&mut [f32]>>,
        finish: impl Fn(usize, usize, &mut [f32]) -> T + Sync,
    ) -> Vec<T> {
        let finished: Vec<Vec<T>> = rows
            .into_par_iter()
            .enumerate()
            .map(|(pair, mut rows)| {
                let weights = weights.pair(pair);
                let channels = rows.len() / strip.images.len();
                let shape = Matrices::tiles(self.conv.up, strip.tiles(), channels);
                let mut products = scratch(shape.len());
                multiply(
                    self.isa,
                    tiles,
                    weights,
                    Target {
                        values: &mut products,
                        shape,
                    },
                );
                let mut pixels = scratch(strip.images.len() * strip.pixels() * LANES);
                let mut finished = Vec::with_capacity(rows.len());
                for (block, values) in products.chunks(shape.block()).enumerate() {
                    output_pixels(self.isa, strip, Operand { values, shape }, &mut pixels);
                    let images = rows
                        .chunks_mut(channels)
                        .zip(pixels.chunks(strip.pixels() * LANES));
                    for (image, (rows, pixels)) in strip.images.clone().zip(images) {
                        let rows = &mut rows[block * LANES..channels.min((block + 1) * LANES)];
                        deinterleave(self.isa, pixels, 0, rows);
                        for (i, rows) in rows.iter_mut().enumerate() {
                            finished.push(finish(image, pair * PAIR + block * LANES + i, rows));
                        }
                    }
                }
                finished
            })
            .collect();
        finished.into_iter().flatten().collect()
    }

    /// The noise of some rows of an image, empty where there is none.
    fn noise_rows(&self, image: usize, rows: &Range<usize>, width: usize) -> &[f32] {
        match self.noise(image) {
            [] => &[],
            noise => &noise[rows.start * width..rows.end * width],
        }
    }
}
