//! The forward pass.

use std::ops::Range;

use rayon::prelude::*;

use super::Call;
use crate::activation::{BlockFinish, Finish};
use crate::features::Order;
use crate::layout::deinterleave;
use crate::simd::LANES;
use crate::winograd::{Operand, Overlap, PAIR, Strip, UP_REACH, Weights, output_pixels};
use crate::workspace::scratch;

impl Call<'_> {
    /// Computes y.
    pub(in crate::styled_conv) fn forward_winograd(&self, weights: &Weights, y: &mut [f32]) {
        let conv = self.conv;
        if conv.up {
            return self.forward_up(weights, y);
        }
        let work = self.work(y, conv.out_channels, self.order);
        work.into_par_iter().for_each(|(strip, rows)| {
            let tiles = self.input(&strip);
            rows.into_par_iter()
                .enumerate()
                .for_each(|(pair, mut rows)| {
                    self.strip_outputs(&strip, tiles.all(), weights, pair, &mut rows);
                });
        });
    }

    /// The rows of up to 32 channels of a strip: of every image and in it of every line.
    fn strip_outputs(
        &self,
        strip: &Strip,
        tiles: Operand<'_>,
        weights: &Weights,
        pair: usize,
        rows: &mut [&mut [f32]],
    ) {
        let width = self.conv.width;
        let channels = self.pair_channels(pair);
        let products = self.products(strip, tiles, weights, pair, channels.len());
        let shape = products.shape;
        let mut pixels = scratch(match self.order {
            Order::Planes => strip.pixels() * LANES,
            Order::Blocks => 0,
        });
        let images = rows.chunks_mut(self.order.lines(channels.len()));
        for (index, (image, rows)) in strip.images.clone().zip(images).enumerate() {
            let lines = rows.chunks_mut(LANES / self.order.lanes());
            let blocks = products.values.chunks(shape.block()).zip(lines);
            for ((values, lines), first) in blocks.zip(channels.clone().step_by(LANES)) {
                let finish =
                    self.block_finish(image, first, self.noise_rows(image, &strip.rows, width));
                let target = match self.order {
                    Order::Planes => &mut pixels,
                    Order::Blocks => &mut *lines[0],
                };
                output_pixels(
                    self.isa,
                    strip,
                    index,
                    Operand { values, shape },
                    Some(&finish),
                    target,
                );
                if self.order == Order::Planes {
                    deinterleave(self.isa, &pixels, 0, lines);
                }
            }
        }
    }

    /// Computes y of an up-sampling convolution: the strips of an image one after the other, since they overlap.
    fn forward_up(&self, weights: &Weights, y: &mut [f32]) {
        let conv = self.conv;
        let mut strips: Vec<Strip> = self.strips().all().collect();
        let images = strips[0].images.len();
        let per_image = strips
            .iter()
            .filter(|strip| strip.images.start == 0)
            .count();
        let (lanes, lines) = (self.order.lanes(), self.order.lines(conv.out_channels));
        let line = conv.output_plane() * lanes;
        y.par_chunks_mut(images * lines * line)
            .zip(strips.par_chunks_mut(per_image))
            .for_each(|(y, strips)| {
                // By 32 channels: the sums, and the lines of every image.
                let mut outputs: Vec<(Overlap, Vec<&mut [f32]>)> = (0..conv.out_channels)
                    .step_by(PAIR)
                    .map(|first| {
                        (
                            Overlap::new(&strips[0], PAIR.min(conv.out_channels - first)),
                            Vec::new(),
                        )
                    })
                    .collect();
                for (index, line) in y.chunks_mut(line).enumerate() {
                    outputs[index % lines * lanes / PAIR].1.push(line);
                }
                for strip in strips.iter() {
                    let tiles = self.input(strip);
                    outputs
                        .par_iter_mut()
                        .enumerate()
                        .for_each(|(pair, (overlap, lines))| {
                            self.strip_sums(strip, tiles.all(), weights, pair, overlap, lines);
                        });
                }
            });
    }

    /// The outputs of up to 32 channels to which no later strip adds.
    fn strip_sums(
        &self,
        strip: &Strip,
        tiles: Operand<'_>,
        weights: &Weights,
        pair: usize,
        overlap: &mut Overlap,
        lines: &mut [&mut [f32]],
    ) {
        let conv = self.conv;
        let output = strip.doubled(conv.height);
        let last = strip.rows.end == conv.height;
        let done = output.halo.start..if last {
            output.rows.end
        } else {
            output.rows.end - UP_REACH
        };
        let channels = self.pair_channels(pair);
        let products = self.products(strip, tiles, weights, pair, channels.len());
        let shape = products.shape;
        for (block, values) in products.values.chunks(shape.block()).enumerate() {
            overlap.add(self.isa, strip, Operand { values, shape }, block);
        }
        let images = lines.chunks_mut(self.order.lines(channels.len()));
        for (index, (image, lines)) in strip.images.clone().zip(images).enumerate() {
            let blocks = lines.chunks_mut(LANES / self.order.lanes()).enumerate();
            for ((block, lines), first) in blocks.zip(channels.clone().step_by(LANES)) {
                let finish =
                    self.block_finish(image, first, self.noise_rows(image, &done, output.width));
                overlap.finish(
                    self.isa,
                    &output,
                    &done,
                    [block, index],
                    &finish,
                    (self.order, lines),
                );
            }
        }
        if !last {
            overlap.advance(strip);
        }
    }

    /// The output channels of a pair of blocks.
    fn pair_channels(&self, pair: usize) -> Range<usize> {
        pair * PAIR..self.conv.out_channels.min((pair + 1) * PAIR)
    }

    /// The constants of 16 output channels from `first` on, over pixels with that noise.
    fn block_finish<'a>(&self, image: usize, first: usize, noise: &'a [f32]) -> BlockFinish<'a> {
        let Finish {
            noise_strength,
            slopes,
            clamp,
            ..
        } = self.finish(image, first);
        let mut finish = BlockFinish {
            demodulation: [0.0; LANES],
            bias: [0.0; LANES],
            noise,
            noise_strength,
            slopes,
            clamp,
        };
        for (lane, channel) in (first..self.conv.out_channels).take(LANES).enumerate() {
            let constants = self.finish(image, channel);
            finish.demodulation[lane] = constants.demodulation;
            finish.bias[lane] = constants.bias;
        }
        finish
    }
}
