//! Convolutions.

use anyface_kernels::Activation;
use burn::module::Param;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};

use super::{BatchNorm, conv_same};

/// Settings of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct Conv {
    /// In and out channels.
    pub channels: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Stride.
    pub stride: usize,
    /// Zero padding above and below, left and right.
    pub padding: [usize; 2],
    /// Number of channel groups.
    pub groups: usize,
    /// Whether the convolution has a bias.
    pub bias: bool,
}

impl Conv {
    /// A square kernel of odd size that keeps the resolution, without bias.
    pub fn same(inputs: usize, outputs: usize, kernel: usize) -> Self {
        Self {
            channels: [inputs, outputs],
            kernel: [kernel; 2],
            stride: 1,
            padding: [kernel / 2; 2],
            groups: 1,
            bias: false,
        }
    }

    /// Sets the stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Adds a bias.
    pub fn bias(self) -> Self {
        Self { bias: true, ..self }
    }
}

/// Creates a convolution with random weights.
pub fn conv(conv: Conv, device: &Device) -> Conv2d {
    let [vertical, horizontal] = conv.padding;
    Conv2dConfig::new(conv.channels, conv.kernel)
        .with_stride([conv.stride; 2])
        .with_padding(PaddingConfig2d::Explicit(
            vertical, horizontal, vertical, horizontal,
        ))
        .with_groups(conv.groups)
        .with_bias(conv.bias)
        .init(device)
}

/// Applies `conv` to `x [N, C, H, W]`. Uses the kernels of [`conv_same`] for square kernels of size
/// 1 or 3 that keep the resolution. With stride 2 it computes all pixels and keeps every second
/// one, which is faster than burn's convolution.
pub fn convolve(conv: &Conv2d, x: Tensor<4>) -> Tensor<4> {
    match is_in_kernels(conv, &x) {
        true => by_kernels(
            conv,
            conv.weight.val(),
            conv.bias.as_ref().map(Param::val),
            x,
        ),
        false => conv.forward(x),
    }
}

/// `norm(conv(x))`, see [`convolve`]; `conv` has no bias. The kernels fold the norm into the
/// weights.
pub fn convolve_normalized(conv: &Conv2d, norm: &BatchNorm, x: Tensor<4>) -> Tensor<4> {
    if !is_in_kernels(conv, &x) {
        return norm.forward(conv.forward(x));
    }
    let [scale, shift] = norm.scale_and_shift();
    let weight = conv.weight.val() * scale.unsqueeze_dims(&[1, 2, 3]);
    by_kernels(conv, weight, Some(shift), x)
}

fn is_in_kernels(conv: &Conv2d, x: &Tensor<4>) -> bool {
    let [_, _, height, width] = x.dims();
    let kernel = conv.kernel_size[0];
    let keeps_size =
        conv.padding == PaddingConfig2d::Explicit(kernel / 2, kernel / 2, kernel / 2, kernel / 2);
    let is_square = matches!(conv.kernel_size, [1, 1] | [3, 3]);
    let halves = conv.stride == [2, 2] && height % 2 == 0 && width % 2 == 0;
    is_square && keeps_size && conv.groups == 1 && (halves || conv.stride == [1, 1])
}

fn by_kernels(
    conv: &Conv2d,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    x: Tensor<4>,
) -> Tensor<4> {
    let y = conv_same(x, weight, bias, Activation::Linear);
    match conv.stride {
        [2, 2] => every_second(y),
        _ => y,
    }
}

/// Every second pixel: `[N, C, 2H, 2W]` to `[N, C, H, W]`.
fn every_second(x: Tensor<4>) -> Tensor<4> {
    let [n, c, height, width] = x.dims();
    x.reshape([n, c, height / 2, 2, width / 2, 2])
        .narrow(3, 0, 1)
        .narrow(5, 0, 1)
        .reshape([n, c, height / 2, width / 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    #[test]
    fn the_kernels_match_burns_convolution() {
        let device = Device::flex();
        let x = Tensor::random([2, 3, 8, 6], Distribution::Default, &device);
        for (kernel, stride) in [(1, 1), (3, 1), (1, 2), (3, 2)] {
            let layer = conv(Conv::same(3, 5, kernel).stride(stride).bias(), &device);
            let found = convolve(&layer, x.clone());
            let expected = layer.forward(x.clone());
            found
                .into_data()
                .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::default());
        }
    }
}
