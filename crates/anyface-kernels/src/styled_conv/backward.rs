//! The backward pass: exact gradients of all inputs of a styled convolution except the noise map.

use super::{Inputs, StyledConv};
use crate::algorithm::Algorithm;
use crate::demodulation::{add_gradients, squared_weights};
use crate::features::Order;
use crate::simd::Isa;

/// Output buffers for the gradients; each is overwritten. A gradient that is `None` is not
/// computed.
#[derive(Debug, Default)]
pub struct Gradients<'a> {
    /// `[N, in, H, W]`.
    pub x: Option<&'a mut [f32]>,
    /// `[out, in, k, k]`, including the gradient through the demodulation.
    pub weight: Option<&'a mut [f32]>,
    /// `[N, in]`, including the gradient through the demodulation.
    pub style: Option<&'a mut [f32]>,
    /// `[out]`.
    pub bias: Option<&'a mut [f32]>,
    /// One number.
    pub noise_strength: Option<&'a mut f32>,
}

impl Gradients<'_> {
    /// Panics if the length of a gradient differs from that of its operand.
    fn check(&self, conv: &StyledConv, inputs: &Inputs<'_>) {
        let slices = [
            ("x", &self.x, inputs.x.len()),
            ("weight", &self.weight, inputs.weight.len()),
            ("style", &self.style, conv.batch * conv.in_channels),
        ];
        for (name, gradient, expected) in slices {
            let length = gradient.as_ref().map_or(expected, |slice| slice.len());
            assert_eq!(
                length, expected,
                "length of gradient of {name} for {conv:?}"
            );
        }
    }
}

impl StyledConv {
    /// Computes the gradients, given the forward output y `[N, out, H', W']` and the gradient of y.
    ///
    /// # Panics
    /// If the length of a slice does not match its shape, or the shape is not supported.
    pub fn backward(
        &self,
        isa: Isa,
        inputs: &Inputs<'_>,
        y: &[f32],
        grad_y: &[f32],
        gradients: Gradients<'_>,
    ) {
        let isa = isa.f32();
        self.check(inputs, [Order::Planes; 2], y.len());
        self.check_weight(inputs.weight);
        gradients.check(self, inputs);
        let Gradients {
            x: grad_x,
            weight: mut grad_weight,
            style: mut grad_style,
            bias,
            noise_strength,
        } = gradients;
        assert_eq!(
            grad_y.len(),
            y.len(),
            "length of gradient of y for {self:?}"
        );

        let taps = self.kernel * self.kernel;
        let squares = self
            .demodulate
            .then(|| squared_weights(isa, inputs.weight, self.in_channels, taps));
        let call = self.call(isa, inputs, squares.as_deref());
        let mut style_sums = vec![0.0; self.batch * self.in_channels];
        let adjoint = Adjoint {
            y,
            grad_y,
            style: (grad_x.is_some() || grad_style.is_some()).then_some(&mut style_sums[..]),
            x: grad_x,
            weight: grad_weight.as_deref_mut(),
        };
        let sums = match self.algorithm(isa) {
            Algorithm::Direct => call.backward_direct(adjoint),
            Algorithm::Winograd => call.backward_winograd(adjoint),
            Algorithm::Pointwise => call.backward_pointwise(adjoint),
        };
        if let (Some(squares), Some(factors)) = (&squares, &call.demodulation) {
            let sums: Vec<f32> = sums
                .iter()
                .map(|[_, _, demodulated]| *demodulated)
                .collect();
            add_gradients(
                isa,
                squares,
                inputs.weight,
                &call.style,
                factors,
                &sums,
                self.in_channels,
                taps,
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

/// Inputs and outputs of the convolution's part of a backward pass. Its gradients treat the
/// demodulation as constant.
pub(super) struct Adjoint<'a> {
    /// `[N, out, H', W']`.
    pub(super) y: &'a [f32],
    /// `[N, out, H', W']`.
    pub(super) grad_y: &'a [f32],
    /// `[N, in, H, W]`.
    pub(super) x: Option<&'a mut [f32]>,
    /// `[N, in]`, initially zero; required if `x` is requested.
    pub(super) style: Option<&'a mut [f32]>,
    /// `[out, in, k, k]`.
    pub(super) weight: Option<&'a mut [f32]>,
}
