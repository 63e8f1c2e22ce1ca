//! 1×1 convolutions with their own kernel.

use anyface_kernels::{Activation, Isa, Pointwise, PointwiseGradients};
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use super::kernel_call::{KernelCall, output, tracked, values};
use super::styled_conv::runs_on_flex;

/// Most output channels (colours) for which a single pass over the input is faster.
const COLOURS: usize = 4;

/// Whether [`pointwise`] has a kernel for these operands.
pub(crate) fn has_pointwise(x: &Tensor<4>, weight: &Tensor<4>) -> bool {
    let [_, _, height, width] = x.dims();
    let [outputs, _, rows, columns] = weight.dims();
    let fits = (height * width).is_multiple_of(Pointwise::PIXELS) && outputs > COLOURS;
    [rows, columns] == [1, 1] && fits && runs_on_flex(x)
}

/// `act(W · x + b)`: `[N, C_in, H, W]` to `[N, C_out, H, W]` with `weight [C_out, C_in, 1, 1]`, on
/// the CPU backend. Requires [`has_pointwise`].
pub(crate) fn pointwise(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<4> {
    let bias = bias.unwrap_or_else(|| Tensor::zeros([weight.dims()[0]], &x.device()));
    Tensor::from_dispatch(Dispatch::pointwise(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        activation,
    ))
}

/// Backends that implement this as one operation.
#[backend_extension(Flex, Autodiff)]
trait PointwiseBackend: Backend {
    fn pointwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

impl PointwiseBackend for Flex {
    fn pointwise(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        activation: Activation,
    ) -> FlexTensor {
        output(&Call::new([x, weight, bias], activation))
    }
}

impl<C: CheckpointStrategy> PointwiseBackend for Autodiff<Flex, C> {
    fn pointwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        tracked::<C, _, _>([x, weight, bias], |operands| {
            Call::new(operands, activation)
        })
    }
}

/// One convolution with contiguous operands.
#[derive(Clone, Debug)]
struct Call {
    /// x, weight, bias.
    operands: [FlexTensor; 3],
    conv: Pointwise,
}

impl Call {
    fn new(operands: [FlexTensor; 3], activation: Activation) -> Self {
        let operands = operands.map(|operand| operand.to_contiguous());
        let [x, weight, _] = operands.each_ref().map(|operand| operand.layout().shape());
        let conv = Pointwise {
            batch: x[0],
            in_channels: x[1],
            out_channels: weight[0],
            pixels: x[2] * x[3],
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
        let [batch, _, height, width] = self.operands[0].layout().shape().dims();
        vec![batch, self.conv.out_channels, height, width]
    }

    fn compute(&self, y: &mut [f32]) {
        let [x, weight, bias] = self.operands.each_ref().map(values);
        self.conv.forward(Isa::detect(), x, weight, Some(bias), y);
    }

    fn add_gradients(&self, y: &[f32], grad_y: &[f32], gradients: [Option<&mut [f32]>; 3]) {
        let [grad_x, grad_weight, grad_bias] = gradients;
        let gradients = PointwiseGradients {
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
    use crate::layers::activate;
    use burn::tensor::module::conv2d;
    use burn::tensor::ops::ConvOptions;
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn the_kernel_matches_burns_convolution_and_its_gradients() {
        let device = Device::flex().autodiff();
        let random = |shape: [usize; 4]| {
            Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device).require_grad()
        };
        let (x, weight) = (random([3, 18, 4, 8]), random([7, 18, 1, 1]));
        let bias = Tensor::random([7], Distribution::Default, &device).require_grad();
        assert!(has_pointwise(&x, &weight));
        let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
        let reference = conv2d(x.clone(), weight.clone(), Some(bias.clone()), options);
        let reference = activate(reference, Activation::LeakyRelu);
        let found = pointwise(
            x.clone(),
            weight.clone(),
            Some(bias.clone()),
            Activation::LeakyRelu,
        );
        let tolerance = Tolerance::<f32>::absolute(1e-4);
        found
            .to_data()
            .assert_approx_eq(&reference.to_data(), tolerance);
        let factor = Tensor::random(found.dims(), Distribution::Default, &device);
        let gradients = |y: Tensor<4>| {
            let grads = (y * factor.clone()).sum().backward();
            let of_bias = bias.grad(&grads).expect("a gradient").into_data();
            let others = [&x, &weight].map(|leaf| leaf.grad(&grads).expect("a gradient"));
            let [of_x, of_weight] = others.map(Tensor::into_data);
            [of_x, of_weight, of_bias]
        };
        for (found, reference) in gradients(found).iter().zip(&gradients(reference)) {
            found.assert_approx_eq(reference, tolerance);
        }
    }
}
