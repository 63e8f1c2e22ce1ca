//! Both passes of a 1×1 kernel with few output channels, as to-RGB has: memory bounds them, so they go over the
//! input once.

use rayon::prelude::*;

use super::Call;
use super::backward::Adjoint;
use crate::activation::{finish_rows, finish_rows_gradient};
use crate::features::Order;
use crate::simd::{LANES, Simd, multiversion};
use crate::workspace::scratch;

/// Output channels at most.
pub(super) const OUTPUTS: usize = 4;

/// Pixels that are computed together: those of all outputs stay in the first-level cache.
const BLOCK: usize = 2048;

/// What a block of pixels adds to sums over pixels.
struct BlockSums {
    /// Of bias, noise strength and demodulation, by output channel.
    outputs: Vec<[f32; 3]>,
    /// Σ gradient · x, by input and output channel.
    products: Vec<[f32; OUTPUTS]>,
}

impl Call<'_> {
    /// Computes y.
    pub(super) fn forward_pointwise(&self, weight: &[f32], y: &mut [f32]) {
        let conv = self.conv;
        let (plane, blocks) = (conv.input_plane(), conv.input_plane().div_ceil(BLOCK));
        let parts = divide(y, plane, conv.out_channels);
        parts
            .into_par_iter()
            .enumerate()
            .for_each(|(part, mut rows)| {
                let (image, first) = (part / blocks, part % blocks * BLOCK);
                let len = rows[0].len();
                rows.iter_mut().for_each(|row| row.fill(0.0));
                let factor = |co: usize, ci: usize| {
                    weight[co * conv.in_channels + ci] * self.style[image * conv.in_channels + ci]
                };
                let lines = self.order.lines(conv.in_channels);
                for line in 0..lines {
                    let lanes = self.order.lanes();
                    let start = (image * lines + line) * plane + first;
                    let x = &self.inputs.x[start * lanes..][..len * lanes];
                    match self.order {
                        Order::Planes => {
                            for (co, row) in rows.iter_mut().enumerate() {
                                add_scaled(self.isa, factor(co, line), x, row);
                            }
                        }
                        Order::Blocks => {
                            let mut factors = [[0.0; LANES]; OUTPUTS];
                            for (co, factors) in factors[..rows.len()].iter_mut().enumerate() {
                                let channels =
                                    line * LANES..conv.in_channels.min((line + 1) * LANES);
                                for (value, ci) in factors.iter_mut().zip(channels) {
                                    *value = factor(co, ci);
                                }
                            }
                            add_block(self.isa, &factors[..rows.len()], x, &mut rows);
                        }
                    }
                }
                for (co, row) in rows.into_iter().enumerate() {
                    finish_rows(
                        self.isa,
                        &self.finish(image, co),
                        self.noise_block(image, first, len),
                        row,
                    );
                }
            });
    }

    /// Computes what `adjoint` asks for; returns the sums of the gradients of bias, noise strength and
    /// demodulation, `[N, out]`.
    pub(super) fn backward_pointwise(&self, adjoint: Adjoint<'_>) -> Vec<[f32; 3]> {
        let conv = self.conv;
        let (plane, blocks) = (conv.input_plane(), conv.input_plane().div_ceil(BLOCK));
        let parts = match adjoint.x {
            Some(x) => divide(x, plane, conv.in_channels),
            None => (0..conv.batch * blocks).map(|_| Vec::new()).collect(),
        };
        let sums: Vec<BlockSums> = parts
            .into_par_iter()
            .enumerate()
            .map(|(part, grad_x)| {
                let (image, first) = (part / blocks, part % blocks * BLOCK);
                self.backward_block(image, first, [adjoint.y, adjoint.grad_y], grad_x)
            })
            .collect();

        let mut outputs = vec![[0.0; 3]; conv.batch * conv.out_channels];
        let mut products = vec![[0.0; OUTPUTS]; conv.batch * conv.in_channels];
        for (part, sums) in sums.iter().enumerate() {
            let image = part / blocks;
            let totals = outputs[image * conv.out_channels..]
                .iter_mut()
                .zip(&sums.outputs);
            totals.for_each(|(total, sum)| add(total, sum));
            let totals = products[image * conv.in_channels..]
                .iter_mut()
                .zip(&sums.products);
            totals.for_each(|(total, sum)| add(total, sum));
        }
        let weight = |co: usize, ci: usize| self.inputs.weight[co * conv.in_channels + ci];
        if let Some(style) = adjoint.style {
            for (index, (style, products)) in style.iter_mut().zip(&products).enumerate() {
                let terms = products[..conv.out_channels].iter().enumerate();
                *style = terms
                    .map(|(co, product)| weight(co, index % conv.in_channels) * product)
                    .sum();
            }
        }
        if let Some(gradient) = adjoint.weight {
            gradient.fill(0.0);
            for (index, (style, products)) in self.style.iter().zip(&products).enumerate() {
                for (co, product) in products[..conv.out_channels].iter().enumerate() {
                    gradient[co * conv.in_channels + index % conv.in_channels] += style * product;
                }
            }
        }
        outputs
    }

    /// The gradients of the pixels of one image from `first` on: of the input in `grad_x`, by channel, unless it is
    /// empty.
    fn backward_block(
        &self,
        image: usize,
        first: usize,
        y_and_gradient: [&[f32]; 2],
        mut grad_x: Vec<&mut [f32]>,
    ) -> BlockSums {
        let conv = self.conv;
        let plane = conv.input_plane();
        let len = BLOCK.min(plane - first);
        let mut lines = scratch(conv.out_channels * len);
        let outputs = lines
            .chunks_exact_mut(len)
            .enumerate()
            .map(|(co, line)| {
                let start = (image * conv.out_channels + co) * plane + first;
                let [y, grad_y] = y_and_gradient.map(|values| &values[start..][..len]);
                let noise = self.noise_block(image, first, len);
                finish_rows_gradient(self.isa, &self.finish(image, co), noise, y, grad_y, line)
                    .totals()
            })
            .collect();
        let products = (0..conv.in_channels)
            .map(|ci| {
                let index = image * conv.in_channels + ci;
                let x = &self.inputs.x[index * plane + first..][..len];
                let mut products = [0.0; OUTPUTS];
                for (co, (product, line)) in
                    products.iter_mut().zip(lines.chunks_exact(len)).enumerate()
                {
                    *product = dot(self.isa, x, line);
                    if let Some(grad_x) = grad_x.get_mut(ci) {
                        let factor =
                            self.inputs.weight[co * conv.in_channels + ci] * self.style[index];
                        if co == 0 {
                            set_scaled(self.isa, factor, line, grad_x);
                        } else {
                            add_scaled(self.isa, factor, line, grad_x);
                        }
                    }
                }
                products
            })
            .collect();
        BlockSums { outputs, products }
    }

    /// The noise of some pixels of an image, empty where there is none.
    fn noise_block(&self, image: usize, first: usize, len: usize) -> &[f32] {
        match self.noise(image) {
            [] => &[],
            noise => &noise[first..][..len],
        }
    }
}

/// Divides `planes [N, channels, pixels]` by images and in them by blocks of pixels: for each, those of every channel.
fn divide(planes: &mut [f32], plane: usize, channels: usize) -> Vec<Vec<&mut [f32]>> {
    let blocks = plane.div_ceil(BLOCK);
    let images = planes.len() / (plane * channels);
    let mut parts: Vec<_> = (0..images * blocks)
        .map(|_| Vec::with_capacity(channels))
        .collect();
    for (index, pixels) in planes.chunks_mut(plane).enumerate() {
        for (block, pixels) in pixels.chunks_mut(BLOCK).enumerate() {
            parts[index / channels * blocks + block].push(pixels);
        }
    }
    parts
}

fn add<const N: usize>(totals: &mut [f32; N], sums: &[f32; N]) {
    for (total, sum) in totals.iter_mut().zip(sums) {
        *total += sum;
    }
}

multiversion! {
    /// `out += factor · line`.
    fn add_scaled(factor: f32, line: &[f32], out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(line) {
            *out += factor * value;
        }
    }
}

multiversion! {
    /// [`add_scaled`] of 16 channels, one after the other, to every output: `x [pixel][16]`.
    fn add_block(factors: &[[f32; LANES]], x: &[f32], outs: &mut [&mut [f32]]) {
        assert!(factors.len() == outs.len() && outs.iter().all(|out| out.len() * LANES == x.len()));
        for (block, pixels) in x.chunks(LANES * LANES).enumerate() {
            let first = block * LANES;
            let count = pixels.len() / LANES;
            // SAFETY: the instruction set is the one this is compiled for; `pixels` holds `count` vectors, and an
            // output `count` floats from `first` on.
            unsafe {
                let mut vectors = [S::splat(0.0); LANES];
                for (i, vector) in vectors[..count].iter_mut().enumerate() {
                    *vector = S::load(pixels.as_ptr().add(i * LANES));
                }
                let channels = S::transpose(vectors);
                for (factors, out) in factors.iter().zip(&mut *outs) {
                    let out = &mut out[first..][..count];
                    let mut sum = if count == LANES { S::load(out.as_ptr()) } else { S::load_first(out.as_ptr(), count) };
                    for (factor, channel) in factors.iter().zip(channels) {
                        sum = S::add(sum, S::mul(S::splat(*factor), channel));
                    }
                    let mut values = [0.0; LANES];
                    S::store(values.as_mut_ptr(), sum);
                    out.copy_from_slice(&values[..count]);
                }
            }
        }
    }
}

multiversion! {
    /// `out = factor · line`.
    fn set_scaled(factor: f32, line: &[f32], out: &mut [f32]) {
        for (out, value) in out.iter_mut().zip(line) {
            *out = factor * value;
        }
    }
}

multiversion! {
    /// Σ a · b of equally long slices.
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        // Several sums, since one would wait for itself.
        const SUMS: usize = 4;
        let mut lanes = [0.0; LANES];
        assert_eq!(a.len(), b.len());
        // SAFETY: the instruction set is the one this is compiled for; no load reaches beyond the slices.
        unsafe {
            let mut sums = [S::splat(0.0); SUMS];
            let (a_whole, a_rest) = a.as_chunks::<{ SUMS * LANES }>();
            let (b_whole, b_rest) = b.as_chunks::<{ SUMS * LANES }>();
            for (a, b) in a_whole.iter().zip(b_whole) {
                for (i, sum) in sums.iter_mut().enumerate() {
                    let [a, b] = [S::load(a.as_ptr().add(i * LANES)), S::load(b.as_ptr().add(i * LANES))];
                    *sum = S::mul_add(a, b, *sum);
                }
            }
            for ((a, b), sum) in a_rest.chunks(LANES).zip(b_rest.chunks(LANES)).zip(&mut sums) {
                let [a, b] = [S::load_first(a.as_ptr(), a.len()), S::load_first(b.as_ptr(), b.len())];
                *sum = S::mul_add(a, b, *sum);
            }
            let [first, second, third, fourth] = sums;
            S::store(lanes.as_mut_ptr(), S::add(S::add(first, second), S::add(third, fourth)));
        }
        lanes.iter().sum()
    }
}
