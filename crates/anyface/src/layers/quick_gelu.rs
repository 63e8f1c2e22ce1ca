//! CLIP's activation.

use anyface_kernels::Isa;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Tensor, activation};

use super::kernel_call::{KernelCall, output, tracked, values};
use super::styled_conv::runs_on_flex;

/// `x·σ(1.702·x)`. The CPU backend uses `anyface-kernels`.
pub fn quick_gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    match runs_on_flex(&x) {
        true => Tensor::from_dispatch(Dispatch::quick_gelu(x.into_dispatch())),
        false => x.clone() * activation::sigmoid(x * 1.702),
    }
}

/// Backends that implement this as one operation.
#[backend_extension(Flex, Autodiff)]
trait QuickGeluBackend: Backend {
    fn quick_gelu(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl QuickGeluBackend for Flex {
    fn quick_gelu(x: FlexTensor) -> FlexTensor {
        output(&QuickGelu::new([x]))
    }
}

impl<C: CheckpointStrategy> QuickGeluBackend for Autodiff<Flex, C> {
    fn quick_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        tracked::<C, _, 1>([x], QuickGelu::new)
    }
}

#[derive(Debug, Clone)]
struct QuickGelu([FlexTensor; 1]);

impl QuickGelu {
    fn new(operands: [FlexTensor; 1]) -> Self {
        Self(operands.map(|x| x.to_contiguous()))
    }
}

impl KernelCall<1> for QuickGelu {
    fn operands(&self) -> &[FlexTensor; 1] {
        &self.0
    }

    fn output_shape(&self) -> Vec<usize> {
        self.0[0].layout().shape().to_vec()
    }

    fn compute(&self, y: &mut [f32]) {
        anyface_kernels::quick_gelu(Isa::detect(), values(&self.0[0]), y);
    }

    fn add_gradients(&self, _: &[f32], grad_y: &[f32], [grad_x]: [Option<&mut [f32]>; 1]) {
        if let Some(grad_x) = grad_x {
            anyface_kernels::quick_gelu_gradient(Isa::detect(), values(&self.0[0]), grad_y, grad_x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn the_kernel_matches_the_formula_and_its_gradient() {
        let device = Device::flex().autodiff();
        let x = Tensor::<3>::random([2, 5, 7], Distribution::Normal(0.0, 3.0), &device);
        let x = x.require_grad();
        let weight = Tensor::random([2, 5, 7], Distribution::Default, &device);
        let gradient = |y: Tensor<3>| {
            let grads = (y * weight.clone()).sum().backward();
            x.grad(&grads).expect("a gradient").into_data()
        };
        let expected = x.clone() * activation::sigmoid(x.clone() * 1.702);
        let found = quick_gelu(x.clone());
        let tolerance = Tolerance::<f32>::rel_abs(1e-5, 1e-6);
        found
            .to_data()
            .assert_approx_eq(&expected.to_data(), tolerance);
        gradient(found).assert_approx_eq(&gradient(expected), tolerance);
    }
}
