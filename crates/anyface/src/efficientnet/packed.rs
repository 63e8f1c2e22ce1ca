//! Weights packed for the kernels: a copy made when it is first needed.

use std::sync::{Arc, Mutex, PoisonError};

use anyface_kernels::{self as kernels, FrozenBlocks};
use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::Tensor;

use super::block::FrozenConv;
use super::network::Run;
use crate::layers::values;

/// Packed weights of the runs between taps, shared by all clones of a network.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed(Arc<Mutex<Option<Entry>>>);

#[derive(Debug)]
struct Entry {
    convs: Vec<Conv>,
    runs: [Arc<FrozenBlocks>; 4],
}

/// Weight and bias of one convolution in memory.
#[derive(Debug)]
struct Conv([FlexTensor; 2]);

impl Packed {
    /// The packed weights of `runs`, which are on the CPU backend. They are packed again if the
    /// weights have changed.
    pub(super) fn of(&self, runs: &[Run<'_>; 4]) -> [Arc<FrozenBlocks>; 4] {
        let convs: Vec<Conv> = runs.iter().flat_map(Run::convs).map(Conv::new).collect();
        let mut entry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entry.as_ref().filter(|entry| {
            let mut pairs = entry.convs.iter().zip(&convs);
            entry.convs.len() == convs.len() && pairs.all(|(known, conv)| known.is(conv))
        });
        if let Some(entry) = known {
            return entry.runs.clone();
        }
        let mut next = convs.iter().map(Conv::view);
        let packed = runs.each_ref().map(|run| Arc::new(pack(run, &mut next)));
        *entry = Some(Entry {
            convs,
            runs: packed.clone(),
        });
        packed
    }
}

/// Takes the convolutions of `run` in order and packs them.
fn pack<'a>(
    run: &Run<'_>,
    convs: &mut impl Iterator<Item = kernels::FrozenConv<'a>>,
) -> FrozenBlocks {
    let mut next = || convs.next().expect("the run has another convolution");
    let stem = run.stem.map(|_| next());
    let blocks: Vec<_> = run
        .blocks
        .iter()
        .map(|block| kernels::InvertedResidual {
            expand: block.expand.as_ref().map(|_| next()),
            depthwise: next(),
            stride: block.stride,
            project: next(),
        })
        .collect();
    FrozenBlocks::new(stem, &blocks)
}

impl Conv {
    fn new(conv: &FrozenConv) -> Self {
        Self([in_memory(conv.weight.val()), in_memory(conv.bias.val())])
    }

    /// Whether both are the same memory, which does not change while both exist.
    fn is(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().zip(&other.0);
        pairs.all(|(a, b)| Arc::ptr_eq(&a.data_arc(), &b.data_arc()))
    }

    fn view(&self) -> kernels::FrozenConv<'_> {
        let [weight, bias] = self.0.each_ref().map(values);
        kernels::FrozenConv { weight, bias }
    }
}

fn in_memory<const D: usize>(weight: Tensor<D>) -> FlexTensor {
    let weight = weight.without_autodiff().try_into_primitive::<Flex>();
    weight.expect("on the CPU backend").to_contiguous()
}
