//! The backward pass: exact gradients of everything that a styled convolution reads but the noise map.

use rayon::prelude::*;

use super::{Inputs, Prepared, StyledConv};
use crate::convolve::{Product, WeightGradient};
use crate::demodulation;
use crate::layout::interleave;
use crate::planes::{
    finish_plane_gradient, finish_up_plane_gradient, frame_scratch, input_gradient_plane,
};
use crate::simd::{Isa, LANES};
use crate::workspace::scratch;

/// Where the gradients go; each is overwritten. Those left out are not computed.
#[derive(Debug, Default)]
pub struct Gradients<'a> {
    /// `[N, in, H, W]`.
    pub x: Option<&'a mut [f32]>,
    /// `[out, in, k, k]`, through the demodulation too.
    pub weight: Option<&'a mut [f32]>,
    /// `[N, in]`, through the demodulation too.
    pub style: Option<&'a mut [f32]>,
    /// `[out]`.
    pub bias: Option<&'a mut [f32]>,
    /// One number.
    pub noise_strength: Option<&'a mut f32>,
}

impl StyledConv {
    /// Computes the gradients, given y `[N, out, H', W']` of the forward pass and the gradient of y.
    ///
    /// # Panics
    /// If a slice has not the length that its shape asks for, or the shape is not supported.
    pub fn backward(
        &self,
        isa: Isa,
        inputs: &Inputs<'_>,
        y: &[f32],
        grad_y: &[f32],
        gradients: Gradients<'_>,
    ) {
        self.check(inputs, y.len());
        let Gradients {
            x: grad_x,
            weight: mut grad_weight,
            style: mut grad_style,
            bias,
            noise_strength,
        } = gradients;
        let of_x = grad_x.as_ref().map_or(inputs.x.len(), |x| x.len());
        let of_weight = grad_weight
            .as_ref()
            .map_or(inputs.weight.len(), |weight| weight.len());
        let of_style = grad_style
            .as_ref()
            .map_or(self.batch * self.in_channels, |style| style.len());
        assert_eq!(
            grad_y.len(),
            y.len(),
            "length of the gradient of y of {self:?}"
        );
        assert_eq!(
            of_x,
            inputs.x.len(),
            "length of the gradient of x of {self:?}"
        );
        assert_eq!(
            of_weight,
            inputs.weight.len(),
            "length of the gradient of weight of {self:?}"
        );
        assert_eq!(
            of_style,
            self.batch * self.in_channels,
            "length of the gradient of style of {self:?}"
        );

        let prepared = self.prepare(isa, inputs);
        let layout = &prepared.layout;
        let channels = [self.out_channels, self.in_channels];
        let transposed = (grad_x.is_some() || grad_style.is_some()).then(|| {
            Product::transposed(
                isa,
                inputs.weight,
                channels,
                &prepared.taps,
                self.phases(),
                layout,
            )
        });
        let weight_gradient =
            WeightGradient::new(isa, channels, &prepared.taps, self.phases(), layout);
        let groups = self.batch.div_ceil(layout.images);
        let mut weight_groups = scratch(if grad_weight.is_some() {
            groups * weight_gradient.len()
        } else {
            0
        });
        let mut style_sums = vec![0.0; self.batch * self.in_channels];

        let x_group = layout.images * self.in_channels * self.input_plane();
        let y_group = layout.images * self.out_channels * self.output_plane();
        let style_groups = style_sums.chunks_mut(layout.images * self.in_channels);
        let mut x_groups = grad_x.map(|x| x.chunks_mut(x_group));
        let mut partial_weights = weight_groups.chunks_mut(weight_gradient.len());
        let tasks: Vec<_> = style_groups
            .enumerate()
            .map(|(index, style)| Group {
                first: index * layout.images,
                x: inputs
                    .x
                    .chunks(x_group)
                    .nth(index)
                    .expect("x has as many groups as style"),
                y: &y[index * y_group..],
                grad_y: &grad_y[index * y_group..],
                grad_x: x_groups.as_mut().and_then(Iterator::next),
                style_sums: style,
                weight_sums: partial_weights.next(),
            })
            .collect();
        let sums: Vec<[f32; 3]> = tasks
            .into_par_iter()
            .map(|group| prepared.backward_group(transposed.as_ref(), &weight_gradient, group))
            .collect::<Vec<_>>()
            .concat();

        if let Some(weight) = &mut grad_weight {
            weight_gradient.collect(&weight_groups, weight);
        }
        if let Some(demodulated) = &prepared.demodulation {
            let sums: Vec<f32> = sums
                .iter()
                .map(|[_, _, demodulated]| *demodulated)
                .collect();
            demodulation::add_gradients(
                &demodulated.squared_weights,
                inputs.weight,
                &prepared.style,
                &demodulated.factors,
                &sums,
                self.in_channels,
                prepared.taps.len(),
                &mut style_sums,
                grad_weight,
            );
        }
        if let Some(style) = &mut grad_style {
            style.copy_from_slice(&style_sums);
        }
        if let Some(bias) = bias {
            bias.fill(0.0);
            for image in sums.chunks_exact(self.out_channels) {
                for (bias, [sum, _, _]) in bias.iter_mut().zip(image) {
                    *bias += sum;
                }
            }
        }
        if let Some(strength) = noise_strength {
            *strength = sums
                .iter()
                .map(|[_, noise, _]| f64::from(*noise))
                .sum::<f64>() as f32;
        }
    }
}

/// What belongs to one group of images.
struct Group<'a> {
    /// Number of its first image in the batch.
    first: usize,
    x: &'a [f32],
    y: &'a [f32],
    grad_y: &'a [f32],
    grad_x: Option<&'a mut [f32]>,
    /// `[images, in]`.
    style_sums: &'a mut [f32],
    weight_sums: Option<&'a mut [f32]>,
}

impl Prepared<'_> {
    /// The gradients of one group; returns those of bias, noise strength and demodulation, `[images, out]`.
    fn backward_group(
        &self,
        transposed: Option<&Product>,
        weight_gradient: &WeightGradient,
        group: Group<'_>,
    ) -> Vec<[f32; 3]> {
        let (conv, layout) = (self.conv, &self.layout);
        let images = group.style_sums.len() / conv.in_channels;
        let lines_len = conv.phases() * layout.plane;
        let mut lines = scratch(conv.out_channels * lines_len);
        let sums_by_channel: Vec<Vec<[f32; 3]>> = lines
            .par_chunks_mut(lines_len)
            .enumerate()
            .map(|(co, lines)| self.line_gradient(&group, images, co, lines))
            .collect();
        if let Some(transposed) = transposed {
            self.input_gradient(
                transposed,
                &lines,
                images,
                group.first,
                group.x,
                group.style_sums,
                group.grad_x,
            );
        }
        if let Some(sums) = group.weight_sums {
            self.weight_gradient(weight_gradient, &lines, images, group.first, group.x, sums);
        }
        (0..images)
            .flat_map(|image| sums_by_channel.iter().map(move |sums| sums[image]))
            .collect()
    }

    /// The gradient before the activation of one output channel, as lines; its sums by image.
    fn line_gradient(
        &self,
        group: &Group<'_>,
        images: usize,
        co: usize,
        lines: &mut [f32],
    ) -> Vec<[f32; 3]> {
        let (conv, layout) = (self.conv, &self.layout);
        let plane = conv.output_plane();
        let mut frame = scratch(if conv.up { frame_scratch(layout) } else { 0 });
        if !conv.up {
            lines[..layout.margin].fill(0.0);
            lines[layout.row(images, 0)..].fill(0.0);
        }
        (0..images)
            .map(|image| {
                let start = (image * conv.out_channels + co) * plane;
                let (y, grad_y) = (&group.y[start..][..plane], &group.grad_y[start..][..plane]);
                let finish = self.finish(group.first + image, co);
                let noise = self.noise(group.first + image);
                let sums = if conv.up {
                    finish_up_plane_gradient(
                        self.isa, layout, &finish, noise, y, grad_y, image, &mut frame, lines,
                    )
                } else {
                    finish_plane_gradient(self.isa, layout, &finish, noise, y, grad_y, image, lines)
                };
                sums.totals()
            })
            .collect()
    }

    /// The gradients of x and style (without the demodulation's part) of a group.
    fn input_gradient(
        &self,
        transposed: &Product,
        lines: &[f32],
        images: usize,
        first: usize,
        x: &[f32],
        style_sums: &mut [f32],
        grad_x: Option<&mut [f32]>,
    ) {
        let (conv, layout) = (self.conv, &self.layout);
        let plane = conv.input_plane();
        let mut products = scratch(transposed.output_len(layout));
        transposed.run(
            layout,
            lines,
            &layout.vector_starts(images, true),
            &mut products,
        );
        let mut planes = grad_x.map(|grad_x| grad_x.chunks_mut(plane));
        let planes: Vec<_> = style_sums
            .iter()
            .map(|_| planes.as_mut().and_then(Iterator::next))
            .collect();
        let outputs = style_sums.par_iter_mut().zip(planes).enumerate();
        outputs.with_min_len(4096_usize.div_ceil(plane)).for_each(
            |(index, (style_sum, grad_x))| {
                let line = &products[index % conv.in_channels * layout.plane..][..layout.plane];
                let style = self.style[first * conv.in_channels + index];
                let image = index / conv.in_channels;
                *style_sum = input_gradient_plane(
                    self.isa,
                    layout,
                    line,
                    image,
                    style,
                    &x[index * plane..][..plane],
                    grad_x,
                );
            },
        );
    }

    /// The weight gradient (without the demodulation's part) of a group.
    fn weight_gradient(
        &self,
        gradient: &WeightGradient,
        lines: &[f32],
        images: usize,
        first: usize,
        x: &[f32],
        sums: &mut [f32],
    ) {
        let (conv, layout) = (self.conv, &self.layout);
        let (plane, rows) = (conv.input_plane(), self.isa.tile_rows());

        let mut inputs = scratch(conv.in_channels.div_ceil(rows) * images * plane * rows);
        inputs
            .par_chunks_mut(plane * rows)
            .enumerate()
            .for_each(|(index, out)| {
                let (tile, image) = (index / images, index % images);
                let channels = tile * rows..conv.in_channels.min((tile + 1) * rows);
                let scales = &self.style[(first + image) * conv.in_channels..][channels.clone()];
                let planes =
                    channels.map(|ci| &x[(image * conv.in_channels + ci) * plane..][..plane]);
                interleave(self.isa, &planes.collect::<Vec<_>>(), scales, rows, out);
            });

        let mut outputs =
            scratch(conv.out_channels.div_ceil(LANES) * conv.phases() * layout.plane * LANES);
        outputs
            .par_chunks_mut(layout.plane * LANES)
            .enumerate()
            .for_each(|(index, out)| {
                let (block, phase) = (index / conv.phases(), index % conv.phases());
                let channels = block * LANES..conv.out_channels.min((block + 1) * LANES);
                let lines = channels.map(|co| {
                    &lines[(co * conv.phases() + phase) * layout.plane..][..layout.plane]
                });
                interleave(
                    self.isa,
                    &lines.collect::<Vec<_>>(),
                    &[1.0; LANES],
                    LANES,
                    out,
                );
            });

        let position =
            |pixel| u32::try_from(pixel * LANES).expect("a group has fewer than 2³² elements");
        let pixels: Vec<u32> = layout.pixels(images).map(position).collect();
        gradient.run(&inputs, &outputs, &pixels, sums);
    }
}
