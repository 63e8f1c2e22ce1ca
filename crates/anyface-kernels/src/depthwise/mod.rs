//! Depthwise convolution: one kernel per channel.
//!
//! Sixteen channels are interleaved (`[pixel][16]`) and computed together, so every multiplication
//! is one vector operation for any kernel and stride. A transpose converts between planes and these
//! blocks. A [`Plan`] says which pixels are multiplied by which weights. The input gradient is a
//! convolution too, with one phase per pixel of the stride.

mod convolve;
mod gate;
mod plan;

use rayon::prelude::*;

use crate::activation::{Activation, Finish, finish_rows, finish_rows_gradient};
use crate::layout::{deinterleave, interleave};
use crate::simd::{Isa, LANES};
use crate::workspace::{Scratch, scratch};

pub(crate) use convolve::{GateKind, convolve};
pub(crate) use gate::{Gate, RecordingRelu6, Relu6, Relu6Gradient};
pub(crate) use plan::{Plan, Window};

use convolve::add_weight_gradient;

/// `y = activation(conv(x, W) + b)`, per channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depthwise {
    /// N, number of images.
    pub batch: usize,
    /// C, number of channels.
    pub channels: usize,
    /// Height of x.
    pub height: usize,
    /// Width of x.
    pub width: usize,
    /// k, side of the kernels; at least the stride.
    pub kernel: usize,
    /// Stride, 1 or 2. Padding is TensorFlow's `same`.
    pub stride: usize,
    /// Activation after the bias.
    pub activation: Activation,
}

/// Output buffers for the gradients of a [`Depthwise`]; each is overwritten. A gradient that is
/// `None` is not computed.
#[derive(Debug, Default)]
pub struct DepthwiseGradients<'a> {
    /// `[N, C, H, W]`.
    pub x: Option<&'a mut [f32]>,
    /// `[C, 1, k, k]`.
    pub weight: Option<&'a mut [f32]>,
    /// `[C]`.
    pub bias: Option<&'a mut [f32]>,
}

impl Depthwise {
    fn window(&self) -> Window {
        Window {
            height: self.height,
            width: self.width,
            kernel: self.kernel,
            stride: self.stride,
        }
    }

    /// Height and width of y.
    pub fn output_size(&self) -> [usize; 2] {
        self.window().output_size()
    }

    /// Computes y `[N, C, H', W']` from x `[N, C, H, W]`, weight `[C, 1, k, k]` and bias `[C]`.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape.
    pub fn forward(
        &self,
        isa: Isa,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) {
        let plan = self.window().forward();
        self.check(
            x.len(),
            weight.len(),
            bias.map_or(self.channels, <[f32]>::len),
            y.len(),
        );
        let weights = self.interleaved(isa, weight);
        let [x_plane, y_plane] = [plan.source_pixels(), plan.target_pixels()];
        let blocks = y
            .chunks_mut(self.channels * y_plane)
            .flat_map(|image| image.chunks_mut(LANES * y_plane));
        let blocks: Vec<_> = blocks.zip(self.blocks(x, x_plane)).collect();
        blocks
            .into_par_iter()
            .enumerate()
            .for_each(|(index, (y, x))| {
                let block = index % self.channels.div_ceil(LANES);
                let mut frame = scratch(plan.frame_len());
                fill_frame(isa, &plan, x, &mut frame);
                let mut target = scratch(y_plane * LANES);
                let weights = &weights[block * self.kernel * self.kernel * LANES..];
                convolve(
                    isa,
                    &plan,
                    weights,
                    &[0.0; LANES],
                    &frame,
                    &mut target,
                    GateKind::Identity,
                );
                let mut lines: Vec<_> = y.chunks_exact_mut(y_plane).collect();
                deinterleave(isa, &target, 0, &mut lines);
                for (channel, line) in lines.into_iter().enumerate() {
                    let bias = bias.map_or(0.0, |bias| bias[block * LANES + channel]);
                    finish_rows(isa, &self.finish(bias), &[], line);
                }
            });
    }

    /// Computes the gradients, given the forward output y and the gradient of y.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape.
    pub fn backward(
        &self,
        isa: Isa,
        x: &[f32],
        weight: &[f32],
        y: &[f32],
        grad_y: &[f32],
        gradients: DepthwiseGradients<'_>,
    ) {
        self.check(x.len(), weight.len(), self.channels, y.len());
        let DepthwiseGradients {
            x: grad_x,
            weight: grad_weight,
            bias: grad_bias,
        } = gradients;
        assert_eq!(
            grad_y.len(),
            y.len(),
            "length of gradient of y for {self:?}"
        );
        let of_x = grad_x.as_ref().map_or(x.len(), |x| x.len());
        assert_eq!(of_x, x.len(), "length of gradient of x for {self:?}");
        let of_weight = grad_weight
            .as_ref()
            .map_or(weight.len(), |weight| weight.len());
        assert_eq!(
            of_weight,
            weight.len(),
            "length of gradient of weight for {self:?}"
        );
        let of_bias = grad_bias.as_ref().map_or(self.channels, |bias| bias.len());
        assert_eq!(
            of_bias, self.channels,
            "length of gradient of bias for {self:?}"
        );

        let [x_plane, y_plane] = [
            self.height * self.width,
            self.output_size().iter().product(),
        ];
        let call = Backward {
            conv: self,
            isa,
            forward: self.window().forward(),
            transposed: self.window().transposed(),
            weights: self.interleaved(isa, weight),
            wants_weight: grad_weight.is_some(),
        };
        let parts = self.batch * self.channels.div_ceil(LANES);
        let grad_x: Vec<Option<&mut [f32]>> = match grad_x {
            Some(x) => {
                let images = x.chunks_mut(self.channels * x_plane);
                images
                    .flat_map(|image| image.chunks_mut(LANES * x_plane))
                    .map(Some)
                    .collect()
            }
            None => (0..parts).map(|_| None).collect(),
        };
        let planes = self
            .blocks(x, x_plane)
            .zip(self.blocks(y, y_plane))
            .zip(self.blocks(grad_y, y_plane));
        let blocks: Vec<_> = planes.zip(grad_x).collect();
        let sums: Vec<BlockSums> = blocks
            .into_par_iter()
            .enumerate()
            .map(|(index, (((x, y), grad_y), grad_x))| {
                call.block(
                    index % self.channels.div_ceil(LANES),
                    x,
                    [y, grad_y],
                    grad_x,
                )
            })
            .collect();
        self.add_up(&sums, grad_weight, grad_bias);
    }

    /// Adds the sums of all images to the gradients, in image order.
    fn add_up(&self, sums: &[BlockSums], weight: Option<&mut [f32]>, bias: Option<&mut [f32]>) {
        let blocks = self.channels.div_ceil(LANES);
        let of_channel = |channel: usize| {
            sums.iter()
                .skip(channel / LANES)
                .step_by(blocks)
                .map(move |sums| (sums, channel % LANES))
        };
        if let Some(weight) = weight {
            for (channel, weight) in weight
                .chunks_exact_mut(self.kernel * self.kernel)
                .enumerate()
            {
                for (place, weight) in weight.iter_mut().enumerate() {
                    *weight = of_channel(channel)
                        .map(|(sums, lane)| sums.weight[place * LANES + lane])
                        .sum();
                }
            }
        }
        if let Some(bias) = bias {
            for (channel, bias) in bias.iter_mut().enumerate() {
                *bias = of_channel(channel)
                    .map(|(sums, lane)| sums.bias[lane])
                    .sum();
            }
        }
    }

    /// Slices of 16 channels' planes, image by image.
    fn blocks<'a>(
        &self,
        planes: &'a [f32],
        plane: usize,
    ) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let images = planes.chunks(self.channels * plane);
        images.flat_map(move |image| image.chunks(LANES * plane))
    }

    /// Weights `[C, k·k]` as `[⌈C/16⌉][k·k][16]`.
    fn interleaved(&self, isa: Isa, weight: &[f32]) -> Scratch {
        let places = self.kernel * self.kernel;
        let mut out = scratch(self.channels.div_ceil(LANES) * places * LANES);
        for (block, out) in weight
            .chunks(LANES * places)
            .zip(out.chunks_mut(places * LANES))
        {
            let lines: Vec<_> = block.chunks_exact(places).collect();
            interleave(isa, &lines, &[1.0; LANES], out);
        }
        out
    }

    fn finish(&self, bias: f32) -> Finish {
        Finish {
            demodulation: 1.0,
            noise_strength: 0.0,
            bias,
            slopes: self.activation.slopes(),
            clamp: self.activation.limit(),
        }
    }

    fn check(&self, x: usize, weight: usize, bias: usize, y: usize) {
        assert!(
            matches!(self.stride, 1 | 2) && self.stride <= self.kernel,
            "the stride must be 1 or 2 and at most the kernel: {self:?}"
        );
        assert!(
            self.batch * self.channels * self.height * self.width > 0,
            "a dimension is 0: {self:?}"
        );
        let planes = self.batch * self.channels;
        let [height, width] = self.output_size();
        for (name, len, wanted) in [
            ("x", x, planes * self.height * self.width),
            ("weight", weight, self.channels * self.kernel * self.kernel),
            ("bias", bias, self.channels),
            ("y", y, planes * height * width),
        ] {
            assert_eq!(len, wanted, "length of {name} for {self:?}");
        }
    }
}

/// A backward pass with the data that all blocks share.
struct Backward<'a> {
    conv: &'a Depthwise,
    isa: Isa,
    forward: Plan,
    transposed: Plan,
    weights: Scratch,
    wants_weight: bool,
}

/// Contribution of 16 channels of one image to the sums over images.
struct BlockSums {
    /// `[k·k][16]`; empty if not requested.
    weight: Vec<f32>,
    bias: [f32; LANES],
}

impl Backward<'_> {
    /// Computes 16 channels of one image from their planes.
    fn block(
        &self,
        block: usize,
        x: &[f32],
        [y, grad_y]: [&[f32]; 2],
        grad_x: Option<&mut [f32]>,
    ) -> BlockSums {
        let (isa, plane) = (self.isa, self.transposed.source_pixels());
        // Gradient before the activation.
        let mut planes = scratch(grad_y.len());
        let mut bias = [0.0; LANES];
        let lines = y
            .chunks_exact(plane)
            .zip(grad_y.chunks_exact(plane))
            .zip(planes.chunks_exact_mut(plane));
        for (((y, grad_y), out), bias) in lines.zip(&mut bias) {
            let finish = self.conv.finish(0.0);
            [*bias, ..] = finish_rows_gradient(isa, &finish, &[], y, grad_y, out).totals();
        }
        let places = self.conv.kernel * self.conv.kernel;
        if let Some(grad_x) = grad_x {
            let mut frame = scratch(self.transposed.frame_len());
            fill_frame(isa, &self.transposed, &planes, &mut frame);
            let pixels = self.transposed.target_pixels();
            let mut target = scratch(pixels * LANES);
            let weights = &self.weights[block * places * LANES..];
            convolve(
                isa,
                &self.transposed,
                weights,
                &[0.0; LANES],
                &frame,
                &mut target,
                GateKind::Identity,
            );
            let mut lines: Vec<_> = grad_x.chunks_exact_mut(pixels).collect();
            deinterleave(isa, &target, 0, &mut lines);
        }
        let mut weight = Vec::new();
        if self.wants_weight {
            weight.resize(places * LANES, 0.0);
            let mut frame = scratch(self.forward.frame_len());
            fill_frame(isa, &self.forward, x, &mut frame);
            let mut gradient = scratch(plane * LANES);
            let lines: Vec<_> = planes.chunks_exact(plane).collect();
            interleave(isa, &lines, &[1.0; LANES], &mut gradient);
            add_weight_gradient(isa, &self.forward, &frame, &gradient, &mut weight);
        }
        BlockSums { weight, bias }
    }
}

/// Interleaves up to 16 `planes` of an image into a frame of `plan`, with a zero margin.
fn fill_frame(isa: Isa, plan: &Plan, planes: &[f32], frame: &mut [f32]) {
    let (pixels, [_, width]) = (plan.source_pixels(), plan.source);
    let lines: Vec<_> = planes.chunks_exact(pixels).collect();
    let mut image = scratch(pixels * LANES);
    interleave(isa, &lines, &[1.0; LANES], &mut image);
    plan.clear_margin(frame);
    let [top, left] = plan.origin;
    let rows = frame.chunks_exact_mut(plan.frame[1] * LANES).skip(top);
    for (row, pixels) in rows.zip(image.chunks_exact(width * LANES)) {
        row[left * LANES..][..pixels.len()].copy_from_slice(pixels);
    }
}

#[cfg(test)]
mod tests;
