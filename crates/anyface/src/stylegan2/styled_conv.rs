//! The styled 3×3 convolution: modulate, convolve, demodulate, add noise and bias, activate.
//!
//! The style scales the *input* and demodulation the *output*, which equals scaling the weights of each image
//! (Karras et al. 2020, eq. 1–3) but lets the whole batch share one weight.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::activation::leaky_relu;
use burn::tensor::module::{conv_transpose2d, conv2d};
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};
use burn::tensor::{Device, Tensor};

use super::fir::smooth;
use super::{Activation, FullyConnected, Noise};

/// A convolution layer of the synthesis network (NVIDIA `SynthesisLayer`).
#[derive(Module, Debug)]
pub struct StyledConv {
    /// `w` to one scale for every input channel.
    pub affine: FullyConnected,
    /// `[C_out, C_in, 3, 3]`.
    pub weight: Param<Tensor<4>>,
    /// `[C_out]`.
    pub bias: Param<Tensor<1>>,
    /// Noise amplitude, `[1]`.
    pub noise_strength: Param<Tensor<1>>,
    /// Noise of [`Noise::Const`], `[R, R]`: a buffer.
    pub noise_const: Param<Tensor<2>>,
    up: bool,
    #[module(skip)]
    clamp: Option<f64>,
}

impl StyledConv {
    /// A layer that makes `[N, d_output, resolution, resolution]`, from half that resolution if `up`.
    pub(super) fn new(
        [d_input, d_output]: [usize; 2],
        w_dim: usize,
        resolution: usize,
        up: bool,
        clamp: Option<f64>,
        device: &Device,
    ) -> Self {
        let normal = Initializer::Normal {
            mean: 0.0,
            std: 1.0,
        };
        Self {
            affine: FullyConnected::new(w_dim, d_input, 1.0, 1.0, Activation::Linear, device),
            weight: normal.init([d_output, d_input, 3, 3], device),
            bias: Initializer::Zeros.init([d_output], device),
            noise_strength: Initializer::Zeros.init([1], device),
            noise_const: normal
                .init([resolution, resolution], device)
                .set_require_grad(false),
            up,
            clamp,
        }
    }

    /// `x [N, C_in, H, H]` in the style `w [N, D]` to `[N, C_out, R, R]`.
    pub fn forward(&self, x: Tensor<4>, w: Tensor<2>, noise: &mut Noise<'_>) -> Tensor<4> {
        let [n, ..] = x.dims();
        let noise = noise
            .sample(self.noise_const.val(), n)
            .map(|unit| unit * self.noise_strength.val().unsqueeze());
        styled_conv(
            x,
            self.weight.val(),
            self.affine.forward(w),
            noise,
            self.bias.val(),
            self.up,
            self.clamp,
        )
    }
}

/// One styled convolution.
///
/// `y = clamp(√2·lrelu(d ⊙ conv(x ⊙ s, W) + noise + b))` with `d = 1/√(Σ (W·s)² + 1e-8)` for each output channel, lrelu of
/// slope 0.2. With `up`, conv is the stride-2 transposed convolution followed by the [1, 3, 3, 1] low-pass.
///
/// `x [N, C_in, H, W]`, `weight [C_out, C_in, 3, 3]`, `style [N, C_in]`, `noise [1 or N, 1, H', W']`, `bias [C_out]`, to
/// `[N, C_out, H', W']`, where `H'` is `H`, or `2H` with `up`.
pub fn styled_conv(
    x: Tensor<4>,
    weight: Tensor<4>,
    style: Tensor<2>,
    noise: Option<Tensor<4>>,
    bias: Tensor<1>,
    up: bool,
    clamp: Option<f64>,
) -> Tensor<4> {
    let [n, c_in, ..] = x.dims();
    let [c_out, ..] = weight.dims();
    let demodulation = demodulation(weight.clone(), style.clone());
    let x = x * style.reshape([n, c_in, 1, 1]);
    let y = if up {
        let options = ConvTransposeOptions::new([2, 2], [0, 0], [0, 0], [1, 1], 1);
        smooth(conv_transpose2d(x, weight.swap_dims(0, 1), None, options))
    } else {
        conv2d(x, weight, None, ConvOptions::new([1, 1], [1, 1], [1, 1], 1))
    };
    let y = y * demodulation.reshape([n, c_out, 1, 1]);
    let y = match noise {
        Some(noise) => y + noise,
        None => y,
    };
    let y = leaky_relu(y + bias.reshape([1, c_out, 1, 1]), 0.2) * std::f64::consts::SQRT_2;
    match clamp {
        Some(limit) => y.clamp(-limit, limit),
        None => y,
    }
}

/// `d[n, o] = 1/√(Σ_i s[n, i]²·Σ_k W[o, i, k]² + 1e-8)`: `[N, C_out]`.
fn demodulation(weight: Tensor<4>, style: Tensor<2>) -> Tensor<2> {
    let [c_out, c_in, ..] = weight.dims();
    let energy = weight
        .square()
        .reshape([c_out, c_in, 9])
        .sum_dim(2)
        .squeeze_dim::<2>(2);
    (style.square().matmul(energy.transpose()) + 1e-8)
        .sqrt()
        .recip()
}
