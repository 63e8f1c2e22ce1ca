//! The styled convolution of StyleGAN2 with its surrounding operations.
//!
//! The style scales the *input* and demodulation the *output*. This equals scaling the weights per
//! image (Karras et al. 2020, eq. 1–3), but the batch shares one weight.
//!
//! On the CPU backend Flex in f32, with or without autodiff, it runs the kernels of
//! `anyface-kernels`, forward and backward. Elsewhere it is composed of burn operations.

mod flex;
mod portable;

use anyface_kernels::Activation;
use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{DType, Tensor};

use super::{has_pointwise, pointwise};
use flex::StyledConvBackend;

/// Inputs of a styled convolution.
#[derive(Clone, Debug)]
pub struct Operands {
    /// `[N, C_in, H, W]`.
    pub x: Tensor<4>,
    /// `[C_out, C_in, k, k]`, k = 1 or 3.
    pub weight: Tensor<4>,
    /// Scales of the input channels, `[N, C_in]`; ones if `None`.
    pub style: Option<Tensor<2>>,
    /// Added before the bias.
    pub noise: Option<ScaledNoise>,
    /// `[C_out]`; zeros if `None`.
    pub bias: Option<Tensor<1>>,
}

/// Per-pixel noise `map · strength`, shared by all output channels.
#[derive(Clone, Debug)]
pub struct ScaledNoise {
    /// `[1 or N, 1, H', W']`; it gets no gradient.
    pub map: Tensor<4>,
    /// `[1]`.
    pub strength: Tensor<1>,
}

/// Settings of a styled convolution.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Doubles the resolution: a transposed convolution of stride 2 (k = 3), then the [1, 3, 3, 1]
    /// low-pass.
    pub up: bool,
    /// Whether to divide each output channel by the norm of its styled weights.
    pub demodulate: bool,
    /// Activation after the bias.
    pub activation: Activation,
    /// Clamps the output to ±this value.
    pub clamp: Option<f64>,
}

/// `y = clamp(act(d ⊙ conv(x ⊙ s, W) + strength·noise + b))`, `[N, C_out, H', W']`; `H'` is `2H`
/// with `up`, else `H`.
///
/// `conv` has "same" zero padding. `d[n, o] = 1/√(Σ (W[o]·s[n])² + 1e-8)` with `demodulate`,
/// else 1.
pub fn styled_conv(operands: Operands, settings: Settings) -> Tensor<4> {
    if !runs_on_flex(&operands.x) {
        return portable::styled_conv(operands, settings);
    }
    let Operands {
        x,
        weight,
        style,
        noise,
        bias,
    } = operands;
    let device = x.device();
    let [batch, c_in, height, width] = x.dims();
    let [c_out, ..] = weight.dims();
    let style = style.unwrap_or_else(|| Tensor::ones([batch, c_in], &device));
    let bias = bias.unwrap_or_else(|| Tensor::zeros([c_out], &device));
    let noise = noise.unwrap_or_else(|| {
        let scale = if settings.up { 2 } else { 1 };
        ScaledNoise {
            map: Tensor::zeros([1, 1, scale * height, scale * width], &device),
            strength: Tensor::zeros([1], &device),
        }
    });
    Tensor::from_dispatch(Dispatch::styled_conv(
        x.into_dispatch(),
        weight.into_dispatch(),
        style.into_dispatch(),
        noise.strength.into_dispatch(),
        bias.into_dispatch(),
        noise.map.into_dispatch(),
        settings,
    ))
}

/// A plain "same" convolution `act(conv(x, W) + b)`: `[N, C_in, H, W]` to `[N, C_out, H, W]`.
pub fn conv_same(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<4> {
    if has_pointwise(&x, &weight) {
        return pointwise(x, weight, bias, activation);
    }
    let operands = Operands {
        x,
        weight,
        style: None,
        noise: None,
        bias,
    };
    let settings = Settings {
        up: false,
        demodulate: false,
        activation,
        clamp: None,
    };
    styled_conv(operands, settings)
}

/// Whether the kernels can compute with this tensor.
pub(crate) fn runs_on_flex<const D: usize>(x: &Tensor<D>) -> bool {
    let device = x.device().without_autodiff();
    matches!(device.as_dispatch(), DispatchDevice::Flex(_)) && x.dtype() == DType::F32
}

#[cfg(test)]
mod tests;
