//! The forward pass.

use std::ops::Range;

use rayon::prelude::*;

use super::Call;
use crate::activation::{BlockFinish, Finish};
use crate::features::Order;
use crate::layout::deinterleave;
use crate::simd::LANES;
use crate::winograd::{
    Operand, Outputs, Overlap, PAIR, Segment, Strip, UP_REACH, Weights, output_pixels,
};
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

    /// Computes up to 32 output channels of a strip, written to rows `[image][line]`.
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

    /// Computes y of an up-sampling convolution.
    fn forward_up(&self, weights: &Weights, y: &mut [f32]) {
        let segments = self.strips().segments();
        let lines = self.divide(&segments, y);
        let work: Vec<_> = segments.into_iter().zip(lines).collect();
        work.into_par_iter().for_each(|(segment, mut pairs)| {
            let mut overlaps: Vec<_> = (0..pairs.len())
                .map(|pair| Overlap::new(&segment.strips[0], self.pair_channels(pair).len()))
                .collect();
            for strip in &segment.strips {
                let tiles = self.input(strip);
                let pairs = pairs.par_iter_mut().zip(&mut overlaps).enumerate();
                pairs.for_each(|(pair, (lines, overlap))| {
                    self.add_strip(&segment, strip, tiles.all(), weights, pair, overlap, lines);
                });
            }
        });
    }

    /// Splits y by segment and by 32 channels; each part holds rows `[image][line]`.
    fn divide<'a>(&self, segments: &[Segment], y: &'a mut [f32]) -> Vec<Vec<Vec<&'a mut [f32]>>> {
        let conv = self.conv;
        let (lanes, lines) = (self.order.lanes(), self.order.lines(conv.out_channels));
        let [height, width] = conv.output_size();
        let pairs = conv.out_channels.div_ceil(PAIR);
        let mut parts: Vec<Vec<Vec<_>>> = segments
            .iter()
            .map(|_| (0..pairs).map(|_| Vec::new()).collect())
            .collect();
        for (index, mut line) in y.chunks_mut(height * width * lanes).enumerate() {
            let (image, pair) = (index / lines, index % lines * lanes / PAIR);
            let of_image = segments.iter().zip(&mut parts);
            for (segment, part) in
                of_image.filter(|(segment, _)| segment.strips[0].images.contains(&image))
            {
                let rows;
                (rows, line) = line.split_at_mut(segment.rows.len() * width * lanes);
                part[pair].push(rows);
            }
        }
        parts
    }

    /// Adds the products of a strip to up to 32 output channels of a segment, in rows
    /// `[image][line]`.
    fn add_strip(
        &self,
        segment: &Segment,
        strip: &Strip,
        tiles: Operand<'_>,
        weights: &Weights,
        pair: usize,
        overlap: &mut Overlap,
        lines: &mut [&mut [f32]],
    ) {
        let conv = self.conv;
        let width = conv.output_size()[1];
        let channels = self.pair_channels(pair);
        let products = self.products(strip, tiles, weights, pair, channels.len());
        let shape = products.shape;
        // Rows of the segment that are complete after this strip.
        let last = strip.rows.end == conv.height;
        let end = 2 * strip.rows.end - if last { 0 } else { UP_REACH };
        let done = (2 * strip.rows.start)
            .saturating_sub(UP_REACH)
            .max(segment.rows.start)..end;
        let mut pixels = scratch(match self.order {
            Order::Planes => done.len() * width * LANES,
            Order::Blocks => 0,
        });
        let images = lines.chunks_mut(self.order.lines(channels.len()));
        for (index, (image, lines)) in strip.images.clone().zip(images).enumerate() {
            let lines = lines.chunks_mut(LANES / self.order.lanes());
            let blocks = products.values.chunks(shape.block()).zip(lines).enumerate();
            for ((block, (values, lines)), first) in blocks.zip(channels.clone().step_by(LANES)) {
                let finish = self.block_finish(image, first, self.noise_rows(image, &done, width));
                let first = (done.start - segment.rows.start) * width;
                let outputs = Outputs {
                    top: done.start,
                    pixels: match self.order {
                        Order::Planes => &mut pixels,
                        Order::Blocks => {
                            &mut lines[0][first * LANES..][..done.len() * width * LANES]
                        }
                    },
                    finish: &finish,
                };
                overlap.add(
                    self.isa,
                    strip,
                    [block, index],
                    Operand { values, shape },
                    last,
                    outputs,
                );
                if self.order == Order::Planes {
                    deinterleave(self.isa, &pixels, first, lines);
                }
            }
        }
    }

    /// The output channels of a pair of blocks.
    fn pair_channels(&self, pair: usize) -> Range<usize> {
        pair * PAIR..self.conv.out_channels.min((pair + 1) * PAIR)
    }

    /// The constants of 16 output channels from `first` on, for pixels with `noise`.
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
