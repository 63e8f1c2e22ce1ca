//! The backward pass.

use std::ops::Range;

use rayon::prelude::*;

use super::{Call, Tiles};
use crate::activation::finish_rows_gradient;
use crate::features::Order;
use crate::layout::{deinterleave, interleave};
use crate::planes::input_gradient_rows;
use crate::simd::LANES;
use crate::styled_conv::backward::Adjoint;
use crate::winograd::{
    Matrices, Operand, PAIR, Strip, Target, Weights, accumulate, collect_weight_gradient,
    gradient_tiles, input_tiles, output_pixels,
};
use crate::workspace::scratch;

/// Most pairs of channels in all separate partial sums of the weight gradient.
const PARTIAL_PAIRS: usize = 1 << 16;

/// Most separate partial sums of the weight gradient.
const PARTIAL_SUMS: usize = 16;

/// Contribution of a strip to sums over pixels.
struct StripSums {
    images: Range<usize>,
    /// Of bias, noise strength and demodulation: `[image][out]`.
    outputs: Vec<[f32; 3]>,
    /// Of the style: `[image][in]`.
    style: Vec<f32>,
}

impl Call<'_> {
    /// Computes the gradients that `adjoint` requests. Returns the summed gradients of bias, noise
    /// strength and demodulation, `[N, out]`.
    pub(in crate::styled_conv) fn backward_winograd(&self, adjoint: Adjoint<'_>) -> Vec<[f32; 3]> {
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
        let mut work = self.work(grad_x, conv.in_channels, Order::Planes);

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

    /// The gradients of one strip. With `weights`, writes the input gradient to `rows`. Adds the
    /// gradient of the transformed weights to `weight_sums`, or sets it there if `add` is false.
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
        // An up-sampling convolution uses the same tiles for both gradients.
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
            let sums: Vec<Vec<(usize, f32)>> = rows
                .into_par_iter()
                .enumerate()
                .map(|(pair, mut rows)| {
                    self.input_gradient_pair(strip, tiles.all(), weights, pair, &mut rows)
                })
                .collect();
            for (index, sum) in sums.into_iter().flatten() {
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

    /// The input gradient of a strip for up to 32 channels, written to rows `[image][channel]`.
    /// Returns the gradients of the style with their indices.
    fn input_gradient_pair(
        &self,
        strip: &Strip,
        tiles: Operand<'_>,
        weights: &Weights,
        pair: usize,
        rows: &mut [&mut [f32]],
    ) -> Vec<(usize, f32)> {
        let conv = self.conv;
        let channels = rows.len() / strip.images.len();
        let products = self.products(strip, tiles, weights, pair, channels);
        let shape = products.shape;
        let mut pixels = scratch(strip.pixels() * LANES);
        let mut sums = Vec::with_capacity(rows.len());
        let images = strip.images.clone().zip(rows.chunks_mut(channels));
        for (number, (image, rows)) in images.enumerate() {
            let blocks = products
                .values
                .chunks(shape.block())
                .zip(rows.chunks_mut(LANES));
            for (block, (values, rows)) in blocks.enumerate() {
                output_pixels(
                    self.isa,
                    strip,
                    number,
                    Operand { values, shape },
                    None,
                    &mut pixels,
                );
                deinterleave(self.isa, &pixels, 0, rows);
                let first = image * conv.in_channels + pair * PAIR + block * LANES;
                for (index, rows) in (first..).zip(rows) {
                    let x = &self.inputs.x
                        [index * conv.input_plane() + strip.rows.start * conv.width..]
                        [..rows.len()];
                    sums.push((
                        index,
                        input_gradient_rows(self.isa, self.style[index], x, rows),
                    ));
                }
            }
        }
        sums
    }

    /// The gradient before the activation of the strip's part `output`, as transformed tiles: as
    /// the input of a convolution, and as an operand of the weight gradient. Returns its sums,
    /// `[image][out]`.
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
            .map(|(block, mut of_inputs, mut of_products)| {
                let channels = block * LANES..conv.out_channels.min((block + 1) * LANES);
                let mut pixels = scratch(size * LANES);
                let mut lines = scratch(channels.len() * size);
                let mut sums = Vec::new();
                for (index, image) in output.images.clone().enumerate() {
                    for (co, line) in channels.clone().zip(lines.chunks_exact_mut(size)) {
                        sums.push(self.gradient_rows(output, image, co, y_and_gradient, line));
                    }
                    let lines: Vec<_> = lines.chunks_exact(size).collect();
                    interleave(self.isa, &lines, &[1.0; LANES], &mut pixels);
                    if let Some(values) = of_inputs.as_deref_mut() {
                        let target = Target { values, shape };
                        input_tiles(self.isa, strip, index, &pixels, &[1.0; LANES], target);
                    }
                    if let Some(values) = of_products.as_deref_mut() {
                        let target = Target { values, shape };
                        gradient_tiles(self.isa, strip, index, output, &pixels, target);
                    }
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

    /// The gradient before the activation of one channel's rows. The sums exclude rows beside the
    /// strip.
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
}
