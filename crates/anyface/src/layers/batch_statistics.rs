//! Batch normalisation in training mode, with batch statistics and a leaky ReLU.

use anyface_kernels::{BatchNorm as Kernel, Isa, Statistics};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Tensor, TensorData};

use super::kernel_call::values;
use super::styled_conv::runs_on_flex;

/// Slope of the leaky ReLU below 0.
const SLOPE: f64 = 0.2;
/// Added to the variance.
const EPSILON: f64 = 1e-5;

/// `leaky_relu((x − mean)/√(var + 1e-5)·scale + shift)` with slope 0.2, and mean and population
/// variance per channel over the batch: `x [N, C, H, W]`, `scale [C]`, `shift [C]`.
pub fn batch_norm_leaky_relu(x: Tensor<4>, scale: Tensor<1>, shift: Tensor<1>) -> Tensor<4> {
    if !runs_on_flex(&x) {
        return by_operations(x, scale, shift);
    }
    Tensor::from_dispatch(Dispatch::batch_norm_leaky_relu(
        x.into_dispatch(),
        scale.into_dispatch(),
        shift.into_dispatch(),
    ))
}

fn by_operations(x: Tensor<4>, scale: Tensor<1>, shift: Tensor<1>) -> Tensor<4> {
    let [n, c, height, width] = x.dims();
    let mean = |x: Tensor<4>| {
        let rows = x.swap_dims(0, 1).reshape([c, n * height * width]);
        rows.mean_dim(1).reshape([1, c, 1, 1])
    };
    let centered = x.clone() - mean(x);
    let variance = mean(centered.clone().square());
    let normal = centered / (variance + EPSILON).sqrt();
    let y = normal * scale.reshape([1, c, 1, 1]) + shift.reshape([1, c, 1, 1]);
    leaky_relu(y, SLOPE)
}

/// Backends that implement this as one operation.
#[backend_extension(Flex, Autodiff)]
trait BatchStatisticsBackend: Backend {
    fn batch_norm_leaky_relu(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl BatchStatisticsBackend for Flex {
    fn batch_norm_leaky_relu(x: FlexTensor, scale: FlexTensor, shift: FlexTensor) -> FlexTensor {
        Call::new([x, scale, shift]).1
    }
}

impl<C: CheckpointStrategy> BatchStatisticsBackend for Autodiff<Flex, C> {
    fn batch_norm_leaky_relu(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let operands = [x, scale, shift];
        let nodes = operands.each_ref().map(|operand| operand.node());
        let (call, y) = Call::new(operands.map(|operand| operand.into_primitive()));
        match BatchStatisticsBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish(call, y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct BatchStatisticsBackward;

impl Backward<Flex, 3> for BatchStatisticsBackward {
    type State = Call;

    fn backward(self, ops: Ops<Call, 3>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let grad_y = grads.consume::<Flex>(&ops.node).to_contiguous();
        let gradients = ops.state.backward(&grad_y);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(parent) = parent {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// One normalisation with contiguous operands and its batch statistics.
#[derive(Clone, Debug)]
struct Call {
    /// x, scale, shift.
    operands: [FlexTensor; 3],
    kernel: Kernel,
    statistics: Vec<Statistics>,
}

impl Call {
    /// Computes the call and its output.
    fn new(operands: [FlexTensor; 3]) -> (Self, FlexTensor) {
        let operands = operands.map(|operand| operand.to_contiguous());
        let [n, c, height, width] = dims(&operands[0]);
        let kernel = Kernel {
            batch: n,
            channels: c,
            pixels: height * width,
            slope: SLOPE as f32,
        };
        let [x, scale, shift] = operands.each_ref().map(values);
        let (y, statistics) = kernel.forward(Isa::detect(), x, scale, shift);
        let call = Self {
            operands,
            kernel,
            statistics,
        };
        let y = TensorData::new(y, [n, c, height, width]);
        (call, FlexTensor::from_data(y))
    }

    fn backward(&self, grad_y: &FlexTensor) -> [FlexTensor; 3] {
        let [x, scale, shift] = self.operands.each_ref().map(values);
        let (isa, grad_y) = (Isa::detect(), values(grad_y));
        let statistics = &self.statistics;
        let found = self
            .kernel
            .backward(isa, x, scale, shift, statistics, grad_y);
        let channels = [self.kernel.channels];
        [
            TensorData::new(found.x, dims(&self.operands[0])),
            TensorData::new(found.scale, channels),
            TensorData::new(found.shift, channels),
        ]
        .map(FlexTensor::from_data)
    }
}

fn dims(x: &FlexTensor) -> [usize; 4] {
    std::array::from_fn(|axis| x.layout().shape()[axis])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn the_kernel_matches_burns_operations_and_their_gradients() {
        let device = Device::flex().autodiff();
        let x = Tensor::<4>::random([3, 2, 4, 5], Distribution::Default, &device);
        let scale = Tensor::<1>::from_floats([0.5, -2.0], &device);
        let shift = Tensor::<1>::from_floats([0.1, 0.3], &device);
        let weight = Tensor::<4>::random(x.dims(), Distribution::Default, &device);
        let results = |of: fn(Tensor<4>, Tensor<1>, Tensor<1>) -> Tensor<4>| {
            let (x, scale) = (x.clone().require_grad(), scale.clone().require_grad());
            let shift = shift.clone().require_grad();
            let y = of(x.clone(), scale.clone(), shift.clone());
            let gradients = (y.clone() * weight.clone()).sum().backward();
            [
                y.into_data(),
                x.grad(&gradients).expect("a gradient").into_data(),
                scale.grad(&gradients).expect("a gradient").into_data(),
                shift.grad(&gradients).expect("a gradient").into_data(),
            ]
        };
        let expected = results(by_operations);
        for (found, expected) in results(batch_norm_leaky_relu).iter().zip(&expected) {
            found.assert_approx_eq::<f32>(expected, Tolerance::absolute(1e-4));
        }
    }
}
