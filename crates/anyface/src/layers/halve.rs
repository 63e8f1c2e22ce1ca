//! Downsampling by 2.

use anyface_kernels::Isa;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::module::avg_pool2d;
use burn::tensor::ops::AvgPoolOptions;
use burn::tensor::{Tensor, TensorData};

use super::kernel_call::values;
use super::styled_conv::runs_on_flex;

/// 2×2 means: `[N, C, 2H, 2W]` to `[N, C, H, W]`. The CPU backend uses `anyface-kernels`.
pub fn halve(x: Tensor<4>) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    let is_even = height.is_multiple_of(2) && width.is_multiple_of(2);
    if !is_even || !runs_on_flex(&x) {
        return avg_pool2d(x, AvgPoolOptions::new([2, 2]));
    }
    Tensor::from_dispatch(Dispatch::halve(x.into_dispatch()))
}

/// Backends that implement this as one operation.
#[backend_extension(Flex, Autodiff)]
trait HalveBackend: Backend {
    fn halve(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl HalveBackend for Flex {
    fn halve(x: FlexTensor) -> FlexTensor {
        let x = x.to_contiguous();
        let [n, c, height, width] = std::array::from_fn(|axis| x.layout().shape()[axis]);
        let mut y = vec![0.0; n * c * (height / 2) * (width / 2)];
        anyface_kernels::halve(Isa::detect(), width / 2, values(&x), &mut y);
        FlexTensor::from_data(TensorData::new(y, [n, c, height / 2, width / 2]))
    }
}

impl<C: CheckpointStrategy> HalveBackend for Autodiff<Flex, C> {
    fn halve(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = x.node();
        let y = Flex::halve(x.into_primitive());
        match HalveBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => prep.finish((), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct HalveBackward;

impl Backward<Flex, 1> for HalveBackward {
    type State = ();

    fn backward(self, ops: Ops<(), 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let grad_y = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [Some(parent)] = ops.parents else { return };
        let [n, c, height, width] = std::array::from_fn(|axis| grad_y.layout().shape()[axis]);
        let mut grad_x = vec![0.0; 4 * n * c * height * width];
        anyface_kernels::halve_gradient(Isa::detect(), width, values(&grad_y), &mut grad_x);
        let grad_x = TensorData::new(grad_x, [n, c, 2 * height, 2 * width]);
        grads.register::<Flex>(parent.id, FlexTensor::from_data(grad_x));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution, Tolerance};

    #[test]
    fn the_kernel_matches_average_pooling_and_its_gradient() {
        let device = Device::flex().autodiff();
        let x = Tensor::<4>::random([2, 3, 6, 10], Distribution::Default, &device).require_grad();
        let pooled = avg_pool2d(x.clone(), AvgPoolOptions::new([2, 2]));
        let weight = Tensor::random(pooled.dims(), Distribution::Default, &device);
        let gradient = |y: Tensor<4>| {
            let grads = (y * weight.clone()).sum().backward();
            x.grad(&grads).expect("a gradient").into_data()
        };
        let halved = halve(x.clone());
        let tolerance = Tolerance::<f32>::absolute(1e-6);
        halved
            .to_data()
            .assert_approx_eq(&pooled.to_data(), tolerance);
        gradient(halved).assert_approx_eq(&gradient(pooled), tolerance);
    }
}
