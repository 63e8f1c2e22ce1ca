//! Both passes by Winograd's algorithm, strip by strip.

mod backward;
mod forward;

use std::ops::Range;

use rayon::prelude::*;

use super::Call;
use crate::features::Order;
use crate::layout::interleave;
use crate::simd::LANES;
use crate::winograd::{
    Matrices, Operand, PAIR, Strip, Strips, Target, Weights, input_tiles, multiply,
};
use crate::workspace::{Scratch, scratch};

/// A strip and its output rows: `[32 channels][image][line]`.
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

    /// The strips, each with its output rows in features that have as many pixels as the input.
    fn work<'a>(&self, features: &'a mut [f32], channels: usize, order: Order) -> Vec<Work<'a>> {
        let strips = self.strips();
        let mut rows = strips.divide(features, channels, order).into_iter();
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
                let mut interleaved = scratch(match self.order {
                    Order::Planes => strip.halo_pixels() * LANES,
                    Order::Blocks => 0,
                });
                for (index, image) in strip.images.clone().enumerate() {
                    let mut factors = [0.0; LANES];
                    factors[..channels.len()]
                        .copy_from_slice(&self.style[image * conv.in_channels..][channels.clone()]);
                    let halo = |line: usize| {
                        let lanes = self.order.lanes();
                        let line = image * self.order.lines(conv.in_channels) + line;
                        let first = line * conv.input_plane() + strip.halo.start * conv.width;
                        &self.inputs.x[first * lanes..][..strip.halo_pixels() * lanes]
                    };
                    let pixels = match self.order {
                        Order::Planes => {
                            let lines: Vec<_> = channels.clone().map(halo).collect();
                            interleave(self.isa, &lines, &[1.0; LANES], &mut interleaved);
                            &interleaved
                        }
                        Order::Blocks => halo(block),
                    };
                    let values = &mut *values;
                    let target = Target { values, shape };
                    input_tiles(self.isa, strip, index, pixels, &factors, target);
                }
            });
        tiles
    }

    /// The f32 products of `tiles` with the weights of 32 channels.
    fn products(
        &self,
        strip: &Strip,
        tiles: Operand<'_>,
        weights: &Weights,
        pair: usize,
        channels: usize,
    ) -> Tiles {
        let mut products = Tiles::new(self.conv.up, strip, channels);
        let target = Target {
            values: &mut products.values,
            shape: products.shape,
        };
        multiply(self.isa, tiles, weights.pair(pair), target);
        products
    }

    /// The noise of a range of rows of an image; empty if there is none.
    fn noise_rows(&self, image: usize, rows: &Range<usize>, width: usize) -> &[f32] {
        match self.noise(image) {
            [] => &[],
            noise => &noise[rows.start * width..rows.end * width],
        }
    }
}
