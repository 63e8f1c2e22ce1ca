//! Both passes by Winograd's algorithm, strip by strip.

use std::ops::Range;

use rayon::prelude::*;

use super::Call;
use super::backward::Adjoint;
use crate::activation::{finish_rows, finish_rows_gradient};
use crate::layout::{deinterleave, interleave};
use crate::planes::input_gradient_rows;
use crate::simd::LANES;
use crate::winograd::{
    Matrices, Operand, Overlap, PAIR, Strip, Strips, Target, UP_REACH, Weights, accumulate,
    collect_weight_gradient, gradient_tiles, input_tiles, multiply, output_pixels,
};
use crate::workspace::{Scratch, scratch};

/// Gradients of transformed weights that are kept apart hold at most so many pairs of channels in all.
const PARTIAL_PAIRS: usize = 1 << 16;

/// Gradients of transformed weights that are kept apart, at most.
const PARTIAL_SUMS: usize = 16;

/// A strip with the rows that it writes: by 32 channels, of every image and in it of every channel.
type Work<'a> = (Strip, Vec<Vec<&'a mut [f32]>>);

/// Transformed tiles of all channels.
struct Tiles {
    values: Scratch,
    shape: Matrices,
}

impl Tiles {
    fn new(up: bool, strip: &Strip, channels: usize) -> Tiles {
        let shape = Matrices::tiles(up, strip.tiles(), channels);
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

/// What a strip adds to sums over pixels.
struct StripSums {
    images: Range<usize>,
    /// Of bias, noise strength and demodulation: `[image][out]`.
    outputs: Vec<[f32; 3]>,
    /// Of the style: `[image][in]`.
    style: Vec<f32>,
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

    /// Computes y.
    pub(super) fn forward_winograd(&self, weights: &Weights, y: &mut [f32]) {
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

    /// Computes what `adjoint` asks for; returns the sums of the gradients of bias, noise strength and
    /// demodulation, `[N, out]`.
    pub(super) fn backward_winograd(&self, adjoint: Adjoint<'_>) -> Vec<[f32; 3]> {
        let conv = self.conv;
        let channels = [conv.out_channels, conv.in_channels];
        let weights = adjoint
            .style
            .is_some()
            .then(|| Weights::transposed(self.isa, conv.up, self.inputs.weight, channels));
        let mut unwanted_x = scratch(match (&adjoint.style, &adjoint.x) {
            (Some(_), None) => self.inputs.x.len(),
            _ => 0,
        });
        let grad_x = adjoint.x.unwrap_or(&mut unwanted_x);
        let mut work = self.work(grad_x, conv.in_channels);

        let shape = Matrices::weights(conv.in_channels, conv.out_channels);
        let parts = (PARTIAL_PAIRS / (conv.in_channels * conv.out_channels)).clamp(1, PARTIAL_SUMS);
        let part = work.len().div_ceil(parts);
        let parts = work.len().div_ceil(part);
        let mut weight_sums = scratch(adjoint.weight.as_ref().map_or(0, |_| parts * shape.len()));
        let mut weight_parts = weight_sums.chunks_mut(shape.len());
        let tasks: Vec<_> = work
            .chunks_mut(part)
            .map(|work| (work, weight_parts.next()))
            .collect();
        let sums: Vec<Vec<StripSums>> = tasks
            .into_par_iter()
            .map(|(work, mut weight_sums)| {
                let mut sums = Vec::new();
                for (index, (strip, rows)) in work.iter_mut().enumerate() {
                    let target = weight_sums
                        .as_deref_mut()
                        .map(|values| Target { values, shape });
                    sums.push(self.backward_strip(
                        strip,
                        adjoint.y,
                        adjoint.grad_y,
                        weights.as_ref(),
                        std::mem::take(rows),
                        target,
                        index > 0,
                    ));
                }
                sums
            })
            .collect();

        if let Some(weight) = adjoint.weight {
            collect_weight_gradient(
                self.isa,
                conv.up,
                &weight_sums,
                shape,
                conv.in_channels,
                weight,
            );
        }
        let mut outputs = vec![[0.0; 3]; conv.batch * conv.out_channels];
        let mut style = adjoint.style;
        for sums in sums.into_iter().flatten() {
            let totals = &mut outputs[sums.images.start * conv.out_channels..];
            for (total, sum) in totals
                .iter_mut()
                .flatten()
                .zip(sums.outputs.iter().flatten())
            {
                *total += sum;
            }
            if let Some(style) = &mut style {
                for (total, sum) in style[sums.images.start * conv.in_channels..]
                    .iter_mut()
                    .zip(sums.style)
                {
                    *total += sum;
                }
            }
        }
        outputs
    }

    /// The gradients of one strip: of the input in `rows` where there are `weights`, of the transformed
    /// weights added to `weight_sums`, or with `add` false written there.
    fn backward_strip(
        &self,
        strip: &Strip,
        y: &[f32],
        grad_y: &[f32],
        weights: Option<&Weights>,
        rows: Vec<Vec<&mut [f32]>>,
        weight_sums: Option<Target<'_>>,
        add: bool,
    ) -> StripSums {
        let conv = self.conv;
        let output = if conv.up {
            strip.doubled(conv.height)
        } else {
            strip.clone()
        };
        // An up-sampling convolution takes the same tiles for both gradients.
        let mut of_inputs = weights
            .filter(|_| !conv.up)
            .map(|_| Tiles::new(false, strip, conv.out_channels));
        let wanted = weight_sums.is_some() || (conv.up && weights.is_some());
        let mut of_products = wanted.then(|| Tiles::new(conv.up, strip, conv.out_channels));
        let outputs = self.output_gradient(
            strip,
            &output,
            [y, grad_y],
            of_inputs.as_mut(),
            of_products.as_mut(),
        );

        let mut style = vec![0.0; strip.images.len() * conv.in_channels];
        if let (Some(weights), Some(tiles)) = (weights, of_inputs.as_ref().or(of_products.as_ref()))
        {
            let plane = conv.input_plane();
            let sums = self.convolve(strip, tiles.all(), weights, rows, |image, channel, rows| {
                let index = image * conv.in_channels + channel;
                let x =
                    &self.inputs.x[index * plane + strip.rows.start * conv.width..][..rows.len()];
                (
                    index,
                    input_gradient_rows(self.isa, self.style[index], x, rows),
                )
            });
            for (index, sum) in sums {
                style[index - strip.images.start * conv.in_channels] = sum;
            }
        }
        if let (Some(sums), Some(gradient)) = (weight_sums, of_products) {
            let inputs = self.input(strip);
            let pairs = sums.values.par_chunks_mut(2 * sums.shape.block());
            pairs
                .zip(gradient.values.par_chunks(2 * gradient.shape.block()))
                .for_each(|(values, gradient_values)| {
                    let gradient = Operand {
                        values: gradient_values,
                        shape: gradient.shape,
                    };
                    accumulate(
                        self.isa,
                        inputs.all(),
                        gradient,
                        Target {
                            values,
                            shape: sums.shape,
                        },
                        add,
                    );
                });
        }
        StripSums {
            images: strip.images.clone(),
            outputs,
            style,
        }
    }

    /// The transformed tiles of the styled input.
    fn input(&self, strip: &Strip) -> Tiles {
        let conv = self.conv;
        let mut tiles = Tiles::new(conv.up, strip, conv.in_channels);
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

    /// The gradient before the activation of the part `output` that belongs to a strip, in transformed tiles: as the
    /// input of a convolution and as that of the products. Returns its sums, `[image][out]`.
    fn output_gradient(
        &self,
        strip: &Strip,
        output: &Strip,
        y_and_gradient: [&[f32]; 2],
        of_inputs: Option<&mut Tiles>,
        of_products: Option<&mut Tiles>,
    ) -> Vec<[f32; 3]> {
        let conv = self.conv;
        let shape = Matrices::tiles(conv.up, strip.tiles(), conv.out_channels);
        let [mut of_inputs, mut of_products] = [of_inputs, of_products]
            .map(|tiles| tiles.map(|tiles| tiles.values.chunks_mut(shape.block())));
        let targets: Vec<_> = (0..shape.blocks())
            .map(|block| {
                (
                    block,
                    of_inputs.as_mut().and_then(Iterator::next),
                    of_products.as_mut().and_then(Iterator::next),
                )
            })
            .collect();
        let size = output.halo_pixels();
        let sums: Vec<Vec<[f32; 3]>> = targets
            .into_par_iter()
            .map(|(block, of_inputs, of_products)| {
                let channels = block * LANES..conv.out_channels.min((block + 1) * LANES);
                let mut pixels = scratch(output.images.len() * size * LANES);
                let mut lines = scratch(channels.len() * size);
                let mut sums = Vec::new();
                for (image, pixels) in output
                    .images
                    .clone()
                    .zip(pixels.chunks_exact_mut(size * LANES))
                {
                    for (co, line) in channels.clone().zip(lines.chunks_exact_mut(size)) {
                        sums.push(self.gradient_rows(output, image, co, y_and_gradient, line));
                    }
                    let lines: Vec<_> = lines.chunks_exact(size).collect();
                    interleave(self.isa, &lines, &[1.0; LANES], pixels);
                }
                if let Some(values) = of_inputs {
                    input_tiles(self.isa, strip, &pixels, Target { values, shape });
                }
                if let Some(values) = of_products {
                    gradient_tiles(self.isa, strip, output, &pixels, Target { values, shape });
                }
                sums
            })
            .collect();
        let images = 0..strip.images.len();
        images
            .flat_map(|image| {
                sums.iter().flat_map(move |sums| {
                    let channels = sums.len() / strip.images.len();
                    sums[image * channels..][..channels].iter().copied()
                })
            })
            .collect()
    }

    /// The gradient before the activation of one channel's rows; the sums leave out the rows beside the strip.
    fn gradient_rows(
        &self,
        output: &Strip,
        image: usize,
        co: usize,
        y_and_gradient: [&[f32]; 2],
        out: &mut [f32],
    ) -> [f32; 3] {
        let width = output.width;
        let finish = self.finish(image, co);
        let plane = (image * self.conv.out_channels + co) * self.conv.output_plane();
        let mut gradient = |rows: Range<usize>| {
            let noise = self.noise_rows(image, &rows, width);
            let [y, grad_y] =
                y_and_gradient.map(|values| &values[plane..][rows.start * width..rows.end * width]);
            let out = &mut out[(rows.start - output.halo.start) * width..][..y.len()];
            finish_rows_gradient(self.isa, &finish, noise, y, grad_y, out)
        };
        gradient(output.halo.start..output.rows.start);
        gradient(output.rows.end..output.halo.end);
        gradient(output.rows.clone()).totals()
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
