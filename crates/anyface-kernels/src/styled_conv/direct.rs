//! Both passes by direct convolution, in groups of images.

use rayon::prelude::*;

use super::Call;
use super::backward::Adjoint;
use crate::convolve::{Panels, Product, WeightGradient};
use crate::layout::{interleave, pack_planar};
use crate::planes::{
    column_scratch, finish_plane, finish_plane_gradient, finish_up_plane, finish_up_plane_gradient,
    frame_scratch, input_gradient_plane,
};
use crate::simd::LANES;
use crate::workspace::scratch;

/// Data of one group of images.
struct Group<'a> {
    /// Index of its first image in the batch.
    first: usize,
    x: &'a [f32],
    y: &'a [f32],
    grad_y: &'a [f32],
    grad_x: Option<&'a mut [f32]>,
    /// `[images, in]`.
    style_sums: Option<&'a mut [f32]>,
    weight_sums: Option<&'a mut [f32]>,
}

impl Call<'_> {
    /// Computes y.
    pub(super) fn forward_direct(&self, panels: &Panels, y: &mut [f32]) {
        let (conv, layout) = (self.conv, &self.layout);
        let product = Product::forward(panels, conv.in_channels, &self.taps, layout);
        let x_groups = self
            .inputs
            .x
            .par_chunks(layout.images * conv.in_channels * conv.input_plane());
        y.par_chunks_mut(layout.images * conv.out_channels * conv.output_plane())
            .zip(x_groups)
            .enumerate()
            .for_each(|(group, (y, x))| self.forward_group(&product, group * layout.images, x, y));
    }

    /// Computes one group of images, starting with image `first` of the batch.
    fn forward_group(&self, product: &Product<'_>, first: usize, x: &[f32], y: &mut [f32]) {
        let (conv, layout) = (self.conv, &self.layout);
        let (x_plane, y_plane) = (conv.input_plane(), conv.output_plane());
        let images = x.len() / (conv.in_channels * x_plane);

        let mut packed = scratch(conv.in_channels * layout.plane);
        packed
            .par_chunks_mut(layout.plane)
            .enumerate()
            .for_each(|(ci, line)| {
                let scales = &self.style[first * conv.in_channels + ci..];
                pack_planar(
                    self.isa,
                    layout,
                    &x[ci * x_plane..],
                    conv.in_channels * x_plane,
                    scales,
                    conv.in_channels,
                    images,
                    line,
                );
            });

        let mut convolved = scratch(product.output_len(layout));
        let starts = layout.vector_starts(images, !conv.up);
        product.run(layout, &packed, &starts, &mut convolved);

        let lines_len = conv.phases() * layout.plane;
        y.par_chunks_mut(y_plane)
            .enumerate()
            .with_min_len(4096_usize.div_ceil(y_plane))
            .for_each(|(index, y)| {
                let (image, co) = (index / conv.out_channels, index % conv.out_channels);
                let lines = &convolved[co * lines_len..][..lines_len];
                let finish = self.finish(first + image, co);
                let noise = self.noise(first + image);
                if conv.up {
                    let mut columns = scratch(column_scratch(layout));
                    finish_up_plane(
                        self.isa,
                        layout,
                        lines,
                        image,
                        &finish,
                        noise,
                        &mut columns,
                        y,
                    );
                } else {
                    finish_plane(self.isa, layout, lines, image, &finish, noise, y);
                }
            });
    }

    /// Computes the gradients that `adjoint` requests. Returns the summed gradients of bias, noise
    /// strength and demodulation, `[N, out]`.
    pub(super) fn backward_direct(&self, adjoint: Adjoint<'_>) -> Vec<[f32; 3]> {
        let (conv, layout) = (self.conv, &self.layout);
        let channels = [conv.out_channels, conv.in_channels];
        let panels = adjoint
            .style
            .as_ref()
            .map(|_| Panels::transposed(self.isa, self.inputs.weight, channels, &self.taps));
        let transposed = panels.as_ref().map(|panels| {
            Product::transposed(panels, conv.out_channels, &self.taps, conv.phases(), layout)
        });
        let weight_gradient =
            WeightGradient::new(self.isa, channels, &self.taps, conv.phases(), layout);
        let groups = conv.batch.div_ceil(layout.images);
        let mut weight_groups = scratch(
            adjoint
                .weight
                .as_ref()
                .map_or(0, |_| groups * weight_gradient.len()),
        );

        let x_group = layout.images * conv.in_channels * conv.input_plane();
        let y_group = layout.images * conv.out_channels * conv.output_plane();
        let mut style_groups = adjoint
            .style
            .map(|style| style.chunks_mut(layout.images * conv.in_channels));
        let mut x_groups = adjoint.x.map(|x| x.chunks_mut(x_group));
        let mut partial_weights = weight_groups.chunks_mut(weight_gradient.len());
        let tasks: Vec<_> = (0..groups)
            .zip(self.inputs.x.chunks(x_group))
            .map(|(index, x)| Group {
                first: index * layout.images,
                x,
                y: &adjoint.y[index * y_group..],
                grad_y: &adjoint.grad_y[index * y_group..],
                grad_x: x_groups.as_mut().and_then(Iterator::next),
                style_sums: style_groups.as_mut().and_then(Iterator::next),
                weight_sums: partial_weights.next(),
            })
            .collect();
        let sums: Vec<_> = tasks
            .into_par_iter()
            .map(|group| self.backward_group(transposed.as_ref(), &weight_gradient, group))
            .collect();
        if let Some(weight) = adjoint.weight {
            weight_gradient.collect(&weight_groups, weight);
        }
        sums.concat()
    }

    /// Computes the gradients of one group. Returns those of bias, noise strength and demodulation,
    /// `[images, out]`.
    fn backward_group(
        &self,
        transposed: Option<&Product<'_>>,
        weight_gradient: &WeightGradient,
        group: Group<'_>,
    ) -> Vec<[f32; 3]> {
        let (conv, layout) = (self.conv, &self.layout);
        let images = group.x.len() / (conv.in_channels * conv.input_plane());
        let lines_len = conv.phases() * layout.plane;
        let mut lines = scratch(conv.out_channels * lines_len);
        let sums_by_channel: Vec<Vec<[f32; 3]>> = lines
            .par_chunks_mut(lines_len)
            .enumerate()
            .map(|(co, lines)| self.line_gradient(&group, images, co, lines))
            .collect();
        if let (Some(transposed), Some(style_sums)) = (transposed, group.style_sums) {
            self.input_gradient(
                transposed,
                &lines,
                images,
                group.first,
                group.x,
                style_sums,
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

    /// The gradient before the activation of one output channel, as lines, and its sums per image.
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

    /// The gradients of x and style of a group, without the demodulation's part.
    fn input_gradient(
        &self,
        transposed: &Product<'_>,
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

    /// The weight gradient of a group, without the demodulation's part.
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
        let plane = conv.input_plane();

        let mut inputs = scratch(conv.in_channels.div_ceil(LANES) * images * plane * LANES);
        inputs
            .par_chunks_mut(plane * LANES)
            .enumerate()
            .for_each(|(index, out)| {
                let (block, image) = (index / images, index % images);
                let channels = block * LANES..conv.in_channels.min((block + 1) * LANES);
                let scales = &self.style[(first + image) * conv.in_channels..][channels.clone()];
                let planes =
                    channels.map(|ci| &x[(image * conv.in_channels + ci) * plane..][..plane]);
                interleave(self.isa, &planes.collect::<Vec<_>>(), scales, out);
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
                interleave(self.isa, &lines.collect::<Vec<_>>(), &[1.0; LANES], out);
            });

        let position =
            |pixel| u32::try_from(pixel * LANES).expect("a group has fewer than 2³² elements");
        let pixels: Vec<u32> = layout.pixels(images).map(position).collect();
        gradient.run(&inputs, &outputs, &pixels, sums);
    }
}
