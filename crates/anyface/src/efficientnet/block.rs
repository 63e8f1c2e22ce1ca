//! Convolutions with folded batch norms, and inverted residuals, composed of burn operations for
//! any backend.

use anyface_kernels::Activation;
use burn::module::{Initializer, Module, Param};
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor};

use crate::layers::{activate, depthwise, pad_same};

/// Sizes of an [`InvertedResidual`].
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockShape {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) expansion: usize,
}

/// An inverted residual: expand, depthwise convolution, project. The input is added if it has the
/// shape of the output (Sandler et al. 2018, arXiv 1801.04381).
#[derive(Module, Debug)]
pub(super) struct InvertedResidual {
    pub(super) expand: Option<FrozenConv>,
    pub(super) depthwise: FrozenConv,
    pub(super) project: FrozenConv,
    pub(super) stride: usize,
}

impl InvertedResidual {
    pub(super) fn new(shape: BlockShape, device: &Device) -> Self {
        let BlockShape {
            inputs,
            outputs,
            kernel,
            stride,
            expansion,
        } = shape;
        let inner = inputs * expansion;
        Self {
            expand: (expansion > 1).then(|| FrozenConv::new([inner, inputs, 1, 1], device)),
            depthwise: FrozenConv::new([inner, 1, kernel, kernel], device),
            project: FrozenConv::new([outputs, inner, 1, 1], device),
            stride,
        }
    }

    /// `[N, C, H, W]` to `[N, C', H/s, W/s]`.
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let inner = match &self.expand {
            Some(expand) => expand.convolve(x.clone(), 1, Activation::Relu6),
            None => x.clone(),
        };
        let weight = self.depthwise.weight.val();
        let bias = self.depthwise.bias.val();
        let inner = depthwise(inner, weight, Some(bias), self.stride, Activation::Relu6);
        let y = self.project.convolve(inner, 1, Activation::Linear);
        match x.dims() == y.dims() {
            true => x + y,
            false => y,
        }
    }
}

/// A convolution with a folded batch norm. Its weights get no gradient.
#[derive(Module, Debug)]
pub(super) struct FrozenConv {
    /// `[out, in, k, k]`; `[C, 1, k, k]` for a depthwise convolution.
    pub(super) weight: Param<Tensor<4>>,
    /// `[out]`.
    pub(super) bias: Param<Tensor<1>>,
}

impl FrozenConv {
    /// Creates random weights that preserve the variance (He et al. 2015, arXiv 1502.01852).
    pub(super) fn new(shape: [usize; 4], device: &Device) -> Self {
        let [outputs, inputs, kernel, _] = shape;
        let std = (2.0 / (inputs * kernel * kernel) as f64).sqrt();
        let weight = Initializer::Normal { mean: 0.0, std };
        Self {
            weight: weight.init(shape, device).set_require_grad(false),
            bias: Initializer::Zeros
                .init([outputs], device)
                .set_require_grad(false),
        }
    }

    pub(super) fn convolve(
        &self,
        x: Tensor<4>,
        stride: usize,
        activation: Activation,
    ) -> Tensor<4> {
        let [_, _, kernel, _] = self.weight.dims();
        let options = ConvOptions::new([stride; 2], [0, 0], [1, 1], 1);
        let x = pad_same(x, kernel, stride);
        let y = conv2d(x, self.weight.val(), Some(self.bias.val()), options);
        activate(y, activation)
    }
}
