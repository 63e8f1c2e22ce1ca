//! Both passes of a 1×1 kernel with few output channels, such as to-RGB. They are memory-bound, so
//! each makes a single pass over the input.

use rayon::prelude::*;

use super::Call;
use super::backward::Adjoint;
use crate::activation::{finish_rows, finish_rows_gradient};
use crate::features::Order;
use crate::simd::{LANES, Simd, multiversion};
use crate::workspace::scratch;

/// Most output channels.
pub(super) const OUTPUTS: usize = 4;

/// Pixels per block: the outputs of a block stay in the L1 cache.
const BLOCK: usize = 2048;

/// Contribution of a block of pixels to sums over pixels.
struct BlockSums {
    /// Of bias, noise strength and demodulation, per output channel.
    outputs: Vec<[f32; 3]>,
    /// Σ gradient · x, per input and output channel.
    products: Vec<[f32; OUTPUTS]>,
}

impl Call<'_> {
    /// Computes y.
    pub(super) fn forward_pointwise(&self, weight: &[f32], y: &mut [f32]) {
        let conv = self.conv;
        let (plane, parts) = (conv.input_plane(), conv.input_plane().div_ceil(BLOCK));
        let outputs = divide(y, plane, conv.out_channels);
        outputs
            .into_par_iter()
            .enumerate()
            .for_each(|(part, mut rows)| {
                let (image, first) = (part / parts, part % parts * BLOCK);
                let (lanes, lines) = (self.order.lanes(), self.order.lines(conv.in_channels));
                let pixels = first * lanes..(first + rows[0].len()) * lanes;
                let lines = self
                    .inputs
                    .x
                    .chunks(plane * lanes)
                    .skip(image * lines)
                    .take(lines);
                let x: Vec<_> = lines.map(|line| &line[pixels.clone()]).collect();
                self.colours(weight, image, first, &x, &mut rows);
            });
    }

    /// Computes the outputs of the pixels of one image from `first` on, from lines `x` to `rows`,
    /// one per channel.
    fn colours(
        &self,
        weight: &[f32],
        image: usize,
        first: usize,
        x: &[&[f32]],
        rows: &mut [&mut [f32]],
    ) {
        let channels = self.conv.in_channels;
        let style = &self.style[image * channels..][..channels];
        let factors = weight
            .chunks(channels)
            .map(|row| row.iter().zip(style).map(|(weight, style)| weight * style));
        match self.order {
            Order::Planes => {
                for (factors, row) in factors.zip(&mut *rows) {
                    row.fill(0.0);
                    for (factor, line) in factors.zip(x) {
                        add_scaled(self.isa, factor, line, row);
                    }
                }
            }
            Order::Blocks => {
                let mut by_line = vec![[[0.0; LANES]; OUTPUTS]; x.len()];
                for (co, factors) in factors.enumerate() {
                    for (ci, factor) in factors.enumerate() {
                        by_line[ci / LANES][co][ci % LANES] = factor;
                    }
                }
                multiply_blocks(self.isa, &by_line, x, rows);
            }
        }
        for (co, row) in rows.iter_mut().enumerate() {
            let noise = self.noise_block(image, first, row.len());
            finish_rows(self.isa, &self.finish(image, co), noise, row);
        }
    }

    /// Computes the gradients that `adjoint` requests. Returns the summed gradients of bias, noise
    /// strength and demodulation, `[N, out]`.
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

    /// The gradients of the pixels of one image from `first` on. Writes the input gradient to
    /// `grad_x`, one slice per channel, unless it is empty.
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

    /// The noise of a range of pixels of an image; empty if there is none.
    fn noise_block(&self, image: usize, first: usize, len: usize) -> &[f32] {
        match self.noise(image) {
            [] => &[],
            noise => &noise[first..][..len],
        }
    }
}

/// Splits `planes [N, channels, pixels]` by image and block of pixels; each part holds one slice
/// per channel.
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
    /// Per output, Σ factor · x in channel order: `factors [block][output][16]`, x `[pixel][16]`
    /// per block.
    fn multiply_blocks(factors: &[[[f32; LANES]; OUTPUTS]], x: &[&[f32]], outs: &mut [&mut [f32]]) {
        let len = outs[0].len();
        assert!(factors.len() == x.len() && x.iter().all(|x| x.len() == len * LANES));
        assert!(outs.len() <= OUTPUTS && outs.iter().all(|out| out.len() == len));
        for first in (0..len).step_by(LANES) {
            let count = LANES.min(len - first);
            // SAFETY: this function is compiled for the instruction set of `S`; from `first` on, a
            // block holds `count` vectors and an output `count` floats.
            unsafe {
                let mut sums = [S::splat(0.0); OUTPUTS];
                for (factors, x) in factors.iter().zip(x) {
                    // Repeats the last of fewer than 16 pixels.
                    let pixel =
                        |i: usize| S::load(x.as_ptr().add((first + i.min(count - 1)) * LANES));
                    let channels = S::transpose(std::array::from_fn(pixel));
                    for (sum, factors) in sums[..outs.len()].iter_mut().zip(factors) {
                        let mut total = *sum;
                        for (factor, channel) in factors.iter().zip(&channels) {
                            total = S::add(total, S::mul(S::splat(*factor), *channel));
                        }
                        *sum = total;
                    }
                }
                for (sum, out) in sums.into_iter().zip(&mut *outs) {
                    if count == LANES {
                        S::store(out.as_mut_ptr().add(first), sum);
                    } else {
                        let mut values = [0.0; LANES];
                        S::store(values.as_mut_ptr(), sum);
                        out[first..].copy_from_slice(&values[..count]);
                    }
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
    /// Σ a · b over slices of equal length.
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        // Several sums, because a single one would be bound by latency.
        const SUMS: usize = 4;
        let mut lanes = [0.0; LANES];
        assert_eq!(a.len(), b.len());
        // SAFETY: this function is compiled for the instruction set of `S`; no load reaches beyond
        // the slices.
        unsafe {
            let mut sums = [S::splat(0.0); SUMS];
            let (a_whole, a_rest) = a.as_chunks::<{ SUMS * LANES }>();
            let (b_whole, b_rest) = b.as_chunks::<{ SUMS * LANES }>();
            for (a, b) in a_whole.iter().zip(b_whole) {
                for (i, sum) in sums.iter_mut().enumerate() {
                    let [a, b] = [
                        S::load(a.as_ptr().add(i * LANES)),
                        S::load(b.as_ptr().add(i * LANES)),
                    ];
                    *sum = S::mul_add(a, b, *sum);
                }
            }
            for ((a, b), sum) in a_rest
                .chunks(LANES)
                .zip(b_rest.chunks(LANES))
                .zip(&mut sums)
            {
                let [a, b] = [
                    S::load_first(a.as_ptr(), a.len()),
                    S::load_first(b.as_ptr(), b.len()),
                ];
                *sum = S::mul_add(a, b, *sum);
            }
            let [first, second, third, fourth] = sums;
            S::store(
                lanes.as_mut_ptr(),
                S::add(S::add(first, second), S::add(third, fourth)),
            );
        }
        lanes.iter().sum()
    }
}
