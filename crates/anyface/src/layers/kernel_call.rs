//! Kernels of `anyface-kernels` as differentiable operations of the CPU backend.

use std::fmt::Debug;
use std::marker::PhantomData;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Flex};
use burn::tensor::TensorData;

/// One call of a kernel with N contiguous operands.
pub(super) trait KernelCall<const N: usize>: Clone + Debug + Send + 'static {
    /// The inputs that can get a gradient.
    fn operands(&self) -> &[FlexTensor; N];

    /// The shape of the output.
    fn output_shape(&self) -> Vec<usize>;

    /// Computes the output into `y`.
    fn compute(&self, y: &mut [f32]);

    /// Adds the requested gradients of the operands, given the output and its gradient.
    fn add_gradients(&self, y: &[f32], grad_y: &[f32], gradients: [Option<&mut [f32]>; N]);
}

/// Computes the output of a call.
pub(super) fn output<const N: usize>(call: &impl KernelCall<N>) -> FlexTensor {
    let shape = call.output_shape();
    let mut y = vec![0.0; shape.iter().product()];
    call.compute(&mut y);
    FlexTensor::from_data(TensorData::new(y, shape))
}

/// The output of the call that `new` makes from the operands, tracked for gradients.
pub(super) fn tracked<C: CheckpointStrategy, K: KernelCall<N>, const N: usize>(
    operands: [FloatTensor<Autodiff<Flex, C>>; N],
    new: impl FnOnce([FlexTensor; N]) -> K,
) -> FloatTensor<Autodiff<Flex, C>> {
    let nodes = operands.each_ref().map(|operand| operand.node());
    let call = new(operands.map(|operand| operand.into_primitive()));
    let y = output(&call);
    match KernelBackward(PhantomData::<K>)
        .prepare::<C>(nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prep) => prep.finish((call, y.clone()), y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

#[derive(Debug)]
struct KernelBackward<K>(PhantomData<K>);

impl<K: KernelCall<N>, const N: usize> Backward<Flex, N> for KernelBackward<K> {
    /// The call and its output, which determines the slopes of the activation.
    type State = (K, FlexTensor);

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut grads::Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad_y = grads.consume::<Flex>(&ops.node);
        let (call, y) = ops.state;
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let gradients = gradients(&call, &y, &grad_y.to_contiguous(), wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, gradient);
            }
        }
    }
}

/// The gradients of the `wanted` operands.
fn gradients<const N: usize>(
    call: &impl KernelCall<N>,
    y: &FlexTensor,
    grad_y: &FlexTensor,
    wanted: [bool; N],
) -> [Option<FlexTensor>; N] {
    let operands = call.operands();
    let mut buffers: [Option<Vec<f32>>; N] = std::array::from_fn(|index| {
        wanted[index].then(|| vec![0.0; values(&operands[index]).len()])
    });
    let places = buffers.each_mut().map(|buffer| buffer.as_deref_mut());
    call.add_gradients(values(y), values(grad_y), places);
    std::array::from_fn(|index| {
        let shape = operands[index].layout().shape().clone();
        let buffer = buffers[index].take()?;
        Some(FlexTensor::from_data(TensorData::new(buffer, shape)))
    })
}

/// The elements of a contiguous f32 tensor.
pub(crate) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous f32 tensor")
}
