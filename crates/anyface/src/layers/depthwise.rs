//! Depthwise convolutions.

use anyface_kernels::{Activation, Depthwise, DepthwiseGradients, Isa};
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, PadMode};

use super::activate;
use super::kernel_call::{KernelCall, output, tracked, values};
use super::styled_conv::runs_on_flex;

/// Depthwise convolution `act(conv(x, W) + b)`: `[N, C, H, W]` to `[N, C, ⌈H/s⌉, ⌈W/s⌉]` with
/// `weight [C, 1, k, k]` and `bias [C]`, padded like [`pad_same`]. The CPU backend uses
/// `anyface-kernels`.
pub fn depthwise(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    activation: Activation,
) -> Tensor<4> {
    let [channels, _, kernel, _] = weight.dims();
    if !runs_on_flex(&x) {
        let options = ConvOptions::new([stride; 2], [0, 0], [1, 1], channels);
        let y = conv2d(pad_same(x, kernel, stride), weight, bias, options);
        return activate(y, activation);
    }
    let bias = bias.unwrap_or_else(|| Tensor::zeros([channels], &x.device()));
    Tensor::from_dispatch(Dispatch::depthwise(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        stride,
        activation,
    ))
}

/// Pads images `[N, C, H, W]` with zeros so that a convolution with a kernel of side `kernel`
/// outputs `⌈H/s⌉ × ⌈W/s⌉` pixels: TensorFlow's `same`. An odd zero is at the end.
pub fn pad_same(x: Tensor<4>, kernel: usize, stride: usize) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let [(top, bottom), (left, right)] = [height, width].map(|size| {
        let reach = (size.div_ceil(stride) - 1) * stride + kernel;
        let missing = reach.saturating_sub(size);
        (missing / 2, missing - missing / 2)
    });
    match [top, bottom, left, right] {
        [0, 0, 0, 0] => x,
        _ => x.pad((left, right, top, bottom), PadMode::Constant(0.0)),
    }
}

/// Backends that implement this as one operation. Shapes as in [`depthwise`].
#[backend_extension(Flex, Autodiff)]
trait DepthwiseBackend: Backend {
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

impl DepthwiseBackend for Flex {
    fn depthwise(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        stride: usize,
        activation: Activation,
    ) -> FlexTensor {
        output(&Call::new([x, weight, bias], stride, activation))
    }
}

impl<C: CheckpointStrategy> DepthwiseBackend for Autodiff<Flex, C> {
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        activation: Activation,
    ) -> FloatTensor<Self> {
        tracked::<C, _, _>([x, weight, bias], |operands| {
            Call::new(operands, stride, activation)
        })
    }
}

/// One convolution with contiguous operands.
#[derive(Clone, Debug)]
struct Call {
    /// x, weight, bias.
    operands: [FlexTensor; 3],
    conv: Depthwise,
}

impl Call {
    fn new(operands: [FlexTensor; 3], stride: usize, activation: Activation) -> Self {
        let operands = operands.map(|operand| operand.to_contiguous());
        let [x, weight, _] = operands.each_ref().map(|operand| operand.layout().shape());
        let conv = Depthwise {
            batch: x[0],
            channels: x[1],
            height: x[2],
            width: x[3],
            kernel: weight[2],
            stride,
            activation,
        };
        Self { operands, conv }
    }
}

impl KernelCall<3> for Call {
    fn operands(&self) -> &[FlexTensor; 3] {
        &self.operands
    }

    fn output_shape(&self) -> Vec<usize> {
        let [height, width] = self.conv.output_size();
        vec![self.conv.batch, self.conv.channels, height, width]
    }

    fn compute(&self, y: &mut [f32]) {
        let [x, weight, bias] = self.operands.each_ref().map(values);
        self.conv.forward(Isa::detect(), x, weight, Some(bias), y);
    }

    fn add_gradients(&self, y: &[f32], grad_y: &[f32], gradients: [Option<&mut [f32]>; 3]) {
        let [grad_x, grad_weight, grad_bias] = gradients;
        let gradients = DepthwiseGradients {
            x: grad_x,
            weight: grad_weight,
            bias: grad_bias,
        };
        let [x, weight, _] = self.operands.each_ref().map(values);
        self.conv
            .backward(Isa::detect(), x, weight, y, grad_y, gradients);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn the_kernel_matches_burns_convolution_and_its_gradients() {
        let device = Device::flex().autodiff();
        let random = |shape: [usize; 4]| {
            Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device).require_grad()
        };
        let x = random([2, 18, 7, 10]);
        let weight = random([18, 1, 3, 3]);
        for stride in [1, 2] {
            let options = ConvOptions::new([stride; 2], [0, 0], [1, 1], 18);
            let padded = pad_same(x.clone(), 3, stride);
            let reference = activate(
                conv2d(padded, weight.clone(), None, options),
                Activation::Relu6,
            );
            let found = depthwise(x.clone(), weight.clone(), None, stride, Activation::Relu6);
            let tolerance = Tolerance::<f32>::absolute(1e-4);
            let factor = Tensor::random(found.dims(), Distribution::Default, &device);
            found
                .to_data()
                .assert_approx_eq(&reference.to_data(), tolerance);
            let gradients = |y: Tensor<4>| {
                let grads = (y * factor.clone()).sum().backward();
                [&x, &weight].map(|leaf| leaf.grad(&grads).expect("a gradient").into_data())
            };
            for (found, reference) in gradients(found).iter().zip(&gradients(reference)) {
                found.assert_approx_eq(reference, tolerance);
            }
        }
    }
}
