//! 1×1 convolutions: products of a weight matrix with the pixels of planar images.
//!
//! The forward pass and the input gradient process 16 pixels per vector with the register tile in
//! `tile.rs`. The weight gradient sums products of planes, 16 pixels at a time
//! ([`weight_gradient`]).

mod product;
mod weight_gradient;

use rayon::prelude::*;

use crate::activation::{Activation, Finish, finish_rows_gradient};
use crate::simd::{Isa, LANES, multiversion};
use crate::workspace::scratch;

use product::{Panels, multiply};
use weight_gradient::weight_gradient;

/// `y = activation(W · x + b)`, per pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointwise {
    /// N, number of images.
    pub batch: usize,
    /// Channels of x.
    pub in_channels: usize,
    /// Channels of y.
    pub out_channels: usize,
    /// Pixels per image, a multiple of [`Pointwise::PIXELS`].
    pub pixels: usize,
    /// Activation after the bias.
    pub activation: Activation,
}

/// Output buffers for the gradients of a [`Pointwise`]; each is overwritten. A gradient that is
/// `None` is not computed.
#[derive(Debug, Default)]
pub struct PointwiseGradients<'a> {
    /// `[N, in, pixels]`.
    pub x: Option<&'a mut [f32]>,
    /// `[out, in]`.
    pub weight: Option<&'a mut [f32]>,
    /// `[out]`.
    pub bias: Option<&'a mut [f32]>,
}

impl Pointwise {
    /// The number of pixels per image must be a multiple of this.
    pub const PIXELS: usize = LANES;

    /// Computes y `[N, out, pixels]` from x `[N, in, pixels]`, weight `[out, in]` and bias `[out]`.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape, or the shape is not supported.
    pub fn forward(
        &self,
        isa: Isa,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        y: &mut [f32],
    ) {
        self.check(x.len(), weight.len(), y.len());
        assert!(
            bias.is_none_or(|bias| bias.len() == self.out_channels),
            "length of bias for {self:?}"
        );
        let at = |row: usize, step: usize| weight[row * self.in_channels + step];
        let panels = Panels::new(isa, [self.out_channels, self.in_channels], at);
        let finish = |row: usize| self.finish(bias.map_or(0.0, |bias| bias[row]));
        multiply(&panels, self.pixels, x, y, &finish);
    }

    /// Computes the gradients, given the forward output y and the gradient of y.
    ///
    /// # Panics
    /// See [`Pointwise::forward`].
    pub fn backward(
        &self,
        isa: Isa,
        x: &[f32],
        weight: &[f32],
        y: &[f32],
        grad_y: &[f32],
        gradients: PointwiseGradients<'_>,
    ) {
        self.check(x.len(), weight.len(), y.len());
        let PointwiseGradients {
            x: grad_x,
            weight: grad_weight,
            bias: grad_bias,
        } = gradients;
        for (name, len, wanted) in [
            ("y", grad_y.len(), y.len()),
            ("x", grad_x.as_ref().map_or(x.len(), |x| x.len()), x.len()),
            (
                "weight",
                grad_weight
                    .as_ref()
                    .map_or(weight.len(), |weight| weight.len()),
                weight.len(),
            ),
            (
                "bias",
                grad_bias
                    .as_ref()
                    .map_or(self.out_channels, |bias| bias.len()),
                self.out_channels,
            ),
        ] {
            assert_eq!(len, wanted, "length of gradient of {name} for {self:?}");
        }
        let mut bent = scratch(if self.activation == Activation::Linear {
            0
        } else {
            y.len()
        });
        let before = match self.activation {
            Activation::Linear => grad_y,
            _ => {
                self.before_activation(isa, y, grad_y, &mut bent);
                &bent[..]
            }
        };
        if let Some(bias) = grad_bias {
            let sums: Vec<f32> = before
                .par_chunks(self.pixels)
                .map(|plane| sum(isa, plane))
                .collect();
            for (channel, bias) in bias.iter_mut().enumerate() {
                *bias = sums.iter().skip(channel).step_by(self.out_channels).sum();
            }
        }
        if let Some(grad_x) = grad_x {
            let at = |row: usize, step: usize| weight[step * self.in_channels + row];
            let panels = Panels::new(isa, [self.in_channels, self.out_channels], at);
            let plain = Self {
                activation: Activation::Linear,
                ..*self
            };
            multiply(&panels, self.pixels, before, grad_x, &|_| plain.finish(0.0));
        }
        if let Some(grad_weight) = grad_weight {
            weight_gradient(
                isa,
                [self.out_channels, self.in_channels, self.pixels],
                before,
                x,
                grad_weight,
            );
        }
    }

    /// Writes the gradient before the activation to `out`.
    fn before_activation(&self, isa: Isa, y: &[f32], grad_y: &[f32], out: &mut [f32]) {
        let finish = self.finish(0.0);
        let planes = y
            .par_chunks(self.pixels)
            .zip(grad_y.par_chunks(self.pixels));
        out.par_chunks_mut(self.pixels)
            .zip(planes)
            .for_each(|(out, (y, grad_y))| {
                finish_rows_gradient(isa, &finish, &[], y, grad_y, out);
            });
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

    fn check(&self, x: usize, weight: usize, y: usize) {
        assert!(
            self.pixels.is_multiple_of(Self::PIXELS),
            "unsupported number of pixels: {self:?}"
        );
        assert!(
            self.batch * self.in_channels * self.out_channels * self.pixels > 0,
            "a dimension is 0: {self:?}"
        );
        for (name, len, wanted) in [
            ("x", x, self.batch * self.in_channels * self.pixels),
            ("weight", weight, self.out_channels * self.in_channels),
            ("y", y, self.batch * self.out_channels * self.pixels),
        ] {
            assert_eq!(len, wanted, "length of {name} for {self:?}");
        }
    }
}

multiversion! {
    /// Sum of a plane.
    fn sum(plane: &[f32]) -> f32 {
        let mut lanes = [0.0; LANES];
        for values in plane.as_chunks::<LANES>().0 {
            for (lane, value) in lanes.iter_mut().zip(values) {
                *lane += value;
            }
        }
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests;
