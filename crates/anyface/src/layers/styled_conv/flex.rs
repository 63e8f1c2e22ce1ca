//! The styled convolution on the CPU backend, by `anyface-kernels`.

use anyface_kernels::{Gradients, Inputs, Isa, Noise, StyledConv};
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};

use super::Settings;
use crate::layers::kernel_call::{KernelCall, output, tracked, values};

/// Backends that implement the styled convolution as one operation. Shapes as in
/// [`super::Operands`].
#[backend_extension(Flex, Autodiff)]
pub(super) trait StyledConvBackend: Backend {
    fn styled_conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        style: FloatTensor<Self>,
        noise_strength: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        noise_map: FloatTensor<Self>,
        settings: Settings,
    ) -> FloatTensor<Self>;
}

impl StyledConvBackend for Flex {
    fn styled_conv(
        x: FlexTensor,
        weight: FlexTensor,
        style: FlexTensor,
        noise_strength: FlexTensor,
        bias: FlexTensor,
        noise_map: FlexTensor,
        settings: Settings,
    ) -> FlexTensor {
        let operands = [x, weight, style, noise_strength, bias];
        output(&Call::new(operands, noise_map, settings))
    }
}

impl<C: CheckpointStrategy> StyledConvBackend for Autodiff<Flex, C> {
    fn styled_conv(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        style: FloatTensor<Self>,
        noise_strength: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        noise_map: FloatTensor<Self>,
        settings: Settings,
    ) -> FloatTensor<Self> {
        let operands = [x, weight, style, noise_strength, bias];
        let noise_map = noise_map.into_primitive();
        tracked::<C, _, _>(operands, |operands| {
            Call::new(operands, noise_map, settings)
        })
    }
}

/// One styled convolution with contiguous operands.
#[derive(Clone, Debug)]
struct Call {
    /// x, weight, style, noise strength, bias.
    operands: [FlexTensor; 5],
    noise_map: FlexTensor,
    conv: StyledConv,
}

impl Call {
    fn new(operands: [FlexTensor; 5], noise_map: FlexTensor, settings: Settings) -> Self {
        let operands = operands.map(|operand| operand.to_contiguous());
        let [x, weight, ..] = operands.each_ref().map(|operand| operand.layout().shape());
        let conv = StyledConv {
            batch: x[0],
            in_channels: x[1],
            out_channels: weight[0],
            height: x[2],
            width: x[3],
            kernel: weight[2],
            up: settings.up,
            demodulate: settings.demodulate,
            activation: settings.activation,
            clamp: settings.clamp.map(|limit| limit as f32),
        };
        Self {
            operands,
            noise_map: noise_map.to_contiguous(),
            conv,
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        let [x, weight, style, noise_strength, bias] = self.operands.each_ref().map(values);
        Inputs {
            x,
            weight,
            style: Some(style),
            noise: Some(Noise {
                map: values(&self.noise_map),
                strength: noise_strength[0],
            }),
            bias: Some(bias),
        }
    }
}

impl KernelCall<5> for Call {
    fn operands(&self) -> &[FlexTensor; 5] {
        &self.operands
    }

    fn output_shape(&self) -> Vec<usize> {
        let [height, width] = self.conv.output_size();
        vec![self.conv.batch, self.conv.out_channels, height, width]
    }

    fn compute(&self, y: &mut [f32]) {
        self.conv.forward(Isa::detect(), &self.inputs(), y);
    }

    fn add_gradients(&self, y: &[f32], grad_y: &[f32], gradients: [Option<&mut [f32]>; 5]) {
        let [x, weight, style, noise_strength, bias] = gradients;
        let gradients = Gradients {
            x,
            weight,
            style,
            bias,
            noise_strength: noise_strength.map(|strength| &mut strength[0]),
        };
        self.conv
            .backward(Isa::detect(), &self.inputs(), y, grad_y, gradients);
    }
}
