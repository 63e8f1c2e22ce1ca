//! The forward pass.

use rayon::prelude::*;

use super::{Inputs, Prepared, StyledConv};
use crate::convolve::Product;
use crate::layout::pack_planar;
use crate::planes::{column_scratch, finish_plane, finish_up_plane};
use crate::simd::Isa;
use crate::workspace::scratch;

impl StyledConv {
    /// Computes y `[N, out, H', W']`.
    ///
    /// # Panics
    /// If a slice has not the length that its shape asks for, or the shape is not supported.
    pub fn forward(&self, isa: Isa, inputs: &Inputs<'_>, y: &mut [f32]) {
        self.check(inputs, y.len());
        let prepared = self.prepare(isa, inputs);
        let layout = &prepared.layout;
        let channels = [self.out_channels, self.in_channels];
        let product = Product::forward(
            isa,
            inputs.weight,
            channels,
            &prepared.taps,
            self.phases(),
            layout,
        );
        let x_groups = inputs
            .x
            .par_chunks(layout.images * self.in_channels * self.input_plane());
        y.par_chunks_mut(layout.images * self.out_channels * self.output_plane())
            .zip(x_groups)
            .enumerate()
            .for_each(|(group, (y, x))| {
                prepared.forward_group(&product, group * layout.images, x, y)
            });
    }
}

impl Prepared<'_> {
    /// The images of one group, of which the first is number `first` of the batch.
    fn forward_group(&self, product: &Product, first: usize, x: &[f32], y: &mut [f32]) {
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
}
