//! A run of frozen blocks as one operation on the CPU backend, differentiable with respect to its
//! input.

use std::sync::Arc;

use anyface_kernels::{Bits, FrozenBlocks, Isa};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::{Tensor, TensorData};

use crate::layers::values;

/// Applies the blocks to `x [N, C, H, W]`, in f32 on the CPU backend.
pub(super) fn frozen_blocks(x: Tensor<4>, blocks: Arc<FrozenBlocks>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::frozen_blocks(x.into_dispatch(), blocks))
}

/// Backends that implement the blocks as one operation.
#[backend_extension(Flex, Autodiff)]
trait FrozenBlocksBackend: Backend {
    fn frozen_blocks(x: FloatTensor<Self>, blocks: Arc<FrozenBlocks>) -> FloatTensor<Self>;
}

impl FrozenBlocksBackend for Flex {
    fn frozen_blocks(x: FlexTensor, blocks: Arc<FrozenBlocks>) -> FlexTensor {
        let x = x.to_contiguous();
        let shape = shape(&x);
        let mut y = empty(&blocks, shape);
        blocks.forward(Isa::detect(), shape, values(&x), &mut y);
        FlexTensor::from_data(TensorData::new(y, blocks.output_shape(shape)))
    }
}

impl<C: CheckpointStrategy> FrozenBlocksBackend for Autodiff<Flex, C> {
    fn frozen_blocks(x: FloatTensor<Self>, blocks: Arc<FrozenBlocks>) -> FloatTensor<Self> {
        let node = x.node();
        let x = x.into_primitive();
        match FrozenBlocksBackward
            .prepare::<C>([node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let x = x.to_contiguous();
                let shape = shape(&x);
                let mut y = empty(&blocks, shape);
                let bits = blocks.forward_noting(Isa::detect(), shape, values(&x), &mut y);
                let y = FlexTensor::from_data(TensorData::new(y, blocks.output_shape(shape)));
                let state = Forward {
                    blocks,
                    shape,
                    bits,
                };
                prep.finish(state, y)
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::frozen_blocks(x, blocks)),
        }
    }
}

/// State of a forward pass that the backward pass needs.
#[derive(Debug, Clone)]
struct Forward {
    blocks: Arc<FrozenBlocks>,
    /// Shape of x.
    shape: [usize; 4],
    bits: Bits,
}

#[derive(Debug)]
struct FrozenBlocksBackward;

impl Backward<Flex, 1> for FrozenBlocksBackward {
    type State = Forward;

    fn backward(
        self,
        ops: Ops<Forward, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad_y = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [Some(parent)] = ops.parents else { return };
        let Forward {
            blocks,
            shape,
            bits,
        } = ops.state;
        let mut grad_x = vec![0.0; shape.iter().product()];
        blocks.backward(Isa::detect(), shape, &bits, values(&grad_y), &mut grad_x);
        grads.register::<Flex>(
            parent.id,
            FlexTensor::from_data(TensorData::new(grad_x, shape)),
        );
    }
}

fn shape(x: &FlexTensor) -> [usize; 4] {
    std::array::from_fn(|axis| x.layout().shape()[axis])
}

fn empty(blocks: &FrozenBlocks, shape: [usize; 4]) -> Vec<f32> {
    vec![0.0; blocks.output_shape(shape).iter().product()]
}
