//! Convolutions of each channel by itself.

use anyface_kernels::{Activation, Depthwise, DepthwiseGradients, Isa};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::module::conv2d;
use burn::tensor::ops::{ConvOptions, PadMode};
use burn::tensor::{Tensor, TensorData};

use super::activate;
use super::styled_conv::{runs_on_flex, values};

/// `act(conv(x, W) + b)`, where each channel has a kernel of its own: `[N, C, H, W]` to `[N, C, ⌈H/s⌉, ⌈W/s⌉]` by
/// `weight [C, 1, k, k]` and `bias [C]`. Zeros around the image as [`pad_same`] adds them. On the CPU backend by
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

/// Adds as many zeros around images `[N, C, H, W]` as a convolution with a kernel of side `kernel` needs to give
/// `⌈H/s⌉ × ⌈W/s⌉` pixels: TensorFlow's `same`. The odd one comes at the end.
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

/// Backends that have it as one operation. Shapes as in [`depthwise`].
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
        Call::new([x, weight, bias], stride, activation).forward()
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
        let operands = [x, weight, bias];
        let nodes = operands.each_ref().map(|operand| operand.node());
        let operands = operands.map(|operand| operand.into_primitive());
        let call = Call::new(operands, stride, activation);
        let y = call.forward();
        match DepthwiseBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((call, y.clone()), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct DepthwiseBackward;

impl Backward<Flex, 3> for DepthwiseBackward {
    /// The call and its output, which tells where the activation bent.
    type State = (Call, FlexTensor);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut grads::Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad_y = grads.consume::<Flex>(&ops.node);
        let (call, y) = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = call.backward(&y, &grad_y.to_contiguous(), wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// One convolution with its contiguous operands.
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

    fn forward(&self) -> FlexTensor {
        let [x, weight, bias] = self.operands.each_ref().map(values);
        let [height, width] = self.conv.output_size();
        let shape = [self.conv.batch, self.conv.channels, height, width];
        let mut y = vec![0.0; shape.iter().product()];
        self.conv
            .forward(Isa::detect(), x, weight, Some(bias), &mut y);
        FlexTensor::from_data(TensorData::new(y, shape))
    }

    /// The gradients of the operands that are `wanted`.
    fn backward(
        &self,
        y: &FlexTensor,
        grad_y: &FlexTensor,
        wanted: [bool; 3],
    ) -> [Option<FlexTensor>; 3] {
        let mut buffers: [Option<Vec<f32>>; 3] = std::array::from_fn(|index| {
            wanted[index].then(|| vec![0.0; values(&self.operands[index]).len()])
        });
        let [grad_x, grad_weight, grad_bias] =
            buffers.each_mut().map(|buffer| buffer.as_deref_mut());
        let gradients = DepthwiseGradients {
            x: grad_x,
            weight: grad_weight,
            bias: grad_bias,
        };
        let [x, weight, _] = self.operands.each_ref().map(values);
        let [y, grad_y] = [values(y), values(grad_y)];
        self.conv
            .backward(Isa::detect(), x, weight, y, grad_y, gradients);
        std::array::from_fn(|index| {
            let shape = self.operands[index].layout().shape().clone();
            let buffer = buffers[index].take()?;
            Some(FlexTensor::from_data(TensorData::new(buffer, shape)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn the_kernel_equals_burns_convolution_and_its_gradients() {
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
