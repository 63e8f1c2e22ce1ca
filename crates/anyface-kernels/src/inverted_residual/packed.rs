//! Weights in the order in which the inner loops read them, for both directions.

use super::{FrozenConv, InvertedResidual};
use crate::simd::LANES;

/// One block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Channels of the depthwise convolution.
    pub(super) inner: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) expand: Option<Pointwise>,
    /// Depthwise weights, `[inner block][k·k][16]`.
    pub(super) weights: Vec<f32>,
    /// `[inner block][16]`.
    pub(super) bias: Vec<f32>,
    pub(super) project: Pointwise,
}

impl Block {
    pub(super) fn new(block: &InvertedResidual<'_>) -> Self {
        let inner = block.depthwise.bias.len();
        let outputs = block.project.bias.len();
        let places = block.depthwise.weight.len() / inner;
        let kernel = places.isqrt();
        assert_eq!(kernel * kernel, places, "depthwise kernels must be square");
        let inputs = match &block.expand {
            Some(expand) => {
                assert_eq!(
                    expand.bias.len(),
                    inner,
                    "expand and depthwise channels must match"
                );
                expand.weight.len() / inner
            }
            None => inner,
        };
        Self {
            inputs,
            outputs,
            inner,
            kernel,
            stride: block.stride,
            expand: block
                .expand
                .as_ref()
                .map(|conv| Pointwise::new(conv, inputs)),
            weights: panels(inner, places, |place, channel| {
                block.depthwise.weight[channel * places + place]
            }),
            bias: padded(block.depthwise.bias),
            project: Pointwise::new(&block.project, inner),
        }
    }

    /// Whether the input is added to the output.
    pub(super) fn is_residual(&self) -> bool {
        self.stride == 1 && self.inputs == self.outputs
    }

    pub(super) fn inner_blocks(&self) -> usize {
        self.inner.div_ceil(LANES)
    }
}

/// A 1×1 convolution.
#[derive(Debug)]
pub(super) struct Pointwise {
    /// `[output block][input][16]`, inputs padded to whole blocks.
    pub(super) forward: Vec<f32>,
    /// `[input block][output][16]`, outputs padded to whole blocks.
    pub(super) transposed: Vec<f32>,
    /// `[output block][16]`.
    pub(super) bias: Vec<f32>,
}

impl Pointwise {
    fn new(conv: &FrozenConv<'_>, inputs: usize) -> Self {
        let (weight, outputs) = (conv.weight, conv.bias.len());
        assert_eq!(
            weight.len(),
            outputs * inputs,
            "one weight per input and output"
        );
        let at = |output: usize, input: usize| {
            if output < outputs && input < inputs {
                weight[output * inputs + input]
            } else {
                0.0
            }
        };
        Self {
            forward: panels(outputs, inputs.next_multiple_of(LANES), |input, output| {
                at(output, input)
            }),
            transposed: panels(inputs, outputs.next_multiple_of(LANES), at),
            bias: padded(conv.bias),
        }
    }
}

/// `[row block][step][16]`; missing rows are zero.
pub(super) fn panels(rows: usize, steps: usize, at: impl Fn(usize, usize) -> f32) -> Vec<f32> {
    let mut values = vec![0.0; rows.div_ceil(LANES) * steps * LANES];
    for (index, value) in values.iter_mut().enumerate() {
        let (vector, lane) = (index / LANES, index % LANES);
        let row = vector / steps * LANES + lane;
        if row < rows {
            *value = at(vector % steps, row);
        }
    }
    values
}

/// Padded with zeros to whole vectors.
pub(super) fn padded(values: &[f32]) -> Vec<f32> {
    let mut padded = values.to_vec();
    padded.resize(values.len().next_multiple_of(LANES), 0.0);
    padded
}
