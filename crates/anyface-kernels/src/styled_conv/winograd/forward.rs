//! The forward pass.

use rayon::prelude::*;

use super::Call;
use crate::activation::finish_rows;
use crate::simd::LANES;
use crate::winograd::{
    Matrices, Operand, Overlap, PAIR, Strip, Target, UP_REACH, Weights, multiply,
};
use crate::workspace::scratch;

impl Call<'_> {
    /// Computes y.
    pub(in crate::styled_conv) fn forward_winograd(&self, weights: &Weights, y: &mut [f32]) {
        let conv = self.conv;
        if conv.up {
            return self.forward_up(weights, y);
        }
        let work = self.work(y, conv.out_channels);
        work.into_par_iter().for_each(|(strip, rows)| {
            let tiles = self.input(&strip);
            self.convolve(
                &strip,
                tiles.all(),
                weights,
                rows,
                |image, channel, rows| {
                    let noise = self.noise_rows(image, &strip.rows, conv.width);
                    finish_rows(self.isa, &self.finish(image, channel), noise, rows);
                },
            );
        });
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
        y.par_chunks_mut(images * conv.out_channels * conv.output_plane())
            .zip(strips.par_chunks_mut(per_image))
            .for_each(|(y, strips)| {
                // By 32 channels: the sums, and the planes of every image and in it of every channel.
                let mut outputs: Vec<(Overlap, Vec<&mut [f32]>)> = (0..conv.out_channels)
                    .step_by(PAIR)
                    .map(|first| {
                        (
                            Overlap::new(&strips[0], PAIR.min(conv.out_channels - first)),
                            Vec::new(),
                        )
                    })
                    .collect();
                for (index, plane) in y.chunks_mut(conv.output_plane()).enumerate() {
                    outputs[index % conv.out_channels / PAIR].1.push(plane);
                }
                for strip in strips.iter() {
                    let tiles = self.input(strip);
                    outputs
                        .par_iter_mut()
                        .enumerate()
                        .for_each(|(pair, (overlap, planes))| {
                            self.strip_outputs(
                                strip,
                                tiles.all(),
                                weights.pair(pair),
                                pair * PAIR,
                                overlap,
                                planes,
                            );
                        });
                }
            });
    }

    /// The outputs of up to 32 channels from `first` on which no later strip adds to.
    fn strip_outputs(
        &self,
        strip: &Strip,
        tiles: Operand<'_>,
        weights: Operand<'_>,
        first: usize,
        overlap: &mut Overlap,
        planes: &mut [&mut [f32]],
    ) {
        let conv = self.conv;
        let output = strip.doubled(conv.height);
        let last = strip.rows.end == conv.height;
        let done = output.halo.start..if last {
            output.rows.end
        } else {
            output.rows.end - UP_REACH
        };
        let channels = planes.len() / strip.images.len();
        let shape = Matrices::tiles(true, strip.tiles(), channels);
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
        for (block, values) in products.chunks(shape.block()).enumerate() {
            overlap.add(self.isa, strip, Operand { values, shape }, block);
            for (index, planes) in planes.chunks_mut(channels).enumerate() {
                let image = strip.images.start + index;
                let noise = self.noise_rows(image, &done, output.width);
                let planes = &mut planes[block * LANES..channels.min((block + 1) * LANES)];
                overlap.finish(self.isa, &output, &done, [block, index], planes);
                for (i, plane) in planes.iter_mut().enumerate() {
                    let rows = &mut plane[done.start * output.width..done.end * output.width];
                    let finish = self.finish(image, first + block * LANES + i);
                    finish_rows(self.isa, &finish, noise, rows);
                }
            }
        }
        if !last {
            overlap.advance(strip);
        }
    }
}
