//! The styled convolution from burn operations, for any backend and element type, with gradients by
//! autodiff.

use burn::tensor::Tensor;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

use super::{Operands, Settings};
use crate::layers::activate;
use crate::layers::fir::smooth;

pub(super) fn styled_conv(operands: Operands, settings: Settings) -> Tensor<4> {
    let Operands {
        x,
        weight,
        style,
        noise,
        bias,
    } = operands;
    let [n, c_in, ..] = x.dims();
    let [c_out, _, kernel, _] = weight.dims();
    let style = style.unwrap_or_else(|| Tensor::ones([n, c_in], &x.device()));

    let x = x * style.clone().reshape([n, c_in, 1, 1]);
    let mut y = if settings.up {
        let options = ConvTransposeOptions::new([2, 2], [0, 0], [0, 0], [1, 1], 1);
        let weight = weight.clone().swap_dims(0, 1);
        smooth(conv_transpose2d(x, weight, None, options))
    } else {
        let options = ConvOptions::new([1, 1], [kernel / 2; 2], [1, 1], 1);
        conv2d(x, weight.clone(), None, options)
    };
    if settings.demodulate {
        y = y * demodulation(weight, style).reshape([n, c_out, 1, 1]);
    }
    if let Some(noise) = noise {
        y = y + noise.map * noise.strength.unsqueeze();
    }
    if let Some(bias) = bias {
        y = y + bias.reshape([1, c_out, 1, 1]);
    }
    let y = activate(y, settings.activation);
    match settings.clamp {
        Some(limit) => y.clamp(-limit, limit),
        None => y,
    }
}

/// `d[n, o] = 1/√(Σ_i s[n, i]²·Σ_k W[o, i, k]² + 1e-8)`: `[N, C_out]`.
fn demodulation(weight: Tensor<4>, style: Tensor<2>) -> Tensor<2> {
    let [c_out, c_in, height, width] = weight.dims();
    let energy = weight
        .square()
        .reshape([c_out, c_in, height * width])
        .sum_dim(2)
        .squeeze_dim::<2>(2);
    (style.square().matmul(energy.transpose()) + 1e-8)
        .sqrt()
        .recip()
}
