//! The styled convolution on the CPU backend, by the kernels of `anyface-kernels`.

use anyface_kernels::{Gradients, Inputs, Isa, Noise, StyledConv};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Flex, backend_extension};
use burn::tensor::TensorData;

use super::Settings;

/// Backends that have the styled convolution as one operation. Shapes as in [`super::Operands`].
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
        Call::new(operands, noise_map, settings).forward()
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
        let nodes = operands.each_ref().map(|operand| operand.node());
        let operands = operands.map(|operand| operand.into_primitive());
        let noise_map = noise_map.into_primitive();
        let call = Call::new(operands, noise_map, settings);
        let y = call.forward();
        match StyledConvBackward
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
struct StyledConvBackward;

impl Backward<Flex, 5> for StyledConvBackward {
    /// The call and its output, from which the kernels recover what they need.
    type State = (Call, FlexTensor);

    fn backward(
        self,
        ops: Ops<Self::State, 5>,
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

/// One styled convolution with its contiguous operands.
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

    fn forward(&self) -> FlexTensor {
        let [height, width] = self.conv.output_size();
        let shape = [self.conv.batch, self.conv.out_channels, height, width];
        let mut y = vec![0.0; shape.iter().product()];
        self.conv.forward(Isa::detect(), &self.inputs(), &mut y);
        FlexTensor::from_data(TensorData::new(y, shape))
    }

    /// The gradients of the operands that are `wanted`.
    fn backward(
        &self,
        y: &FlexTensor,
        grad_y: &FlexTensor,
        wanted: [bool; 5],
    ) -> [Option<FlexTensor>; 5] {
        let mut buffers: [Option<Vec<f32>>; 5] = std::array::from_fn(|index| {
            wanted[index].then(|| vec![0.0; values(&self.operands[index]).len()])
        });
        let [x, weight, style, noise_strength, bias] =
            buffers.each_mut().map(|buffer| buffer.as_deref_mut());
        let gradients = Gradients {
            x,
            weight,
            style,
            bias,
            noise_strength: noise_strength.map(|strength| &mut strength[0]),
        };
        self.conv.backward(
            Isa::detect(),
            &self.inputs(),
            values(y),
            values(grad_y),
            gradients,
        );
        std::array::from_fn(|index| {
            let shape = self.operands[index].layout().shape().clone();
            let buffer = buffers[index].take()?;
            Some(FlexTensor::from_data(TensorData::new(buffer, shape)))
        })
    }
}

/// The elements of a contiguous f32 tensor.
pub(crate) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous f32 tensor")
}
