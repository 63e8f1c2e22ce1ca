//! The IR-SE backbone: residual units with squeeze and excitation (Hu et al. 2018, arXiv
//! 1709.01507).

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::conv::Conv2d;
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};

use crate::layers::{BatchNorm, Conv, conv, convolve, prelu};

/// ε of torch's batch norm, in every checkpoint.
const EPSILON: f64 = 1e-5;

/// Ratio of channels to squeezed channels; the squeeze leaves at least one.
const SQUEEZE: usize = 16;

/// Sizes of an [`IrSe`]; 50 layers by default.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct IrSeConfig {
    /// Input channels: 3, or 6 for ReStyle's pair of images.
    #[config(default = 3)]
    pub inputs: usize,
    /// Channels of each stage; each halves the resolution.
    #[config(default = "[64, 128, 256, 512]")]
    pub channels: [usize; 4],
    /// Units of each stage.
    #[config(default = "[3, 4, 14, 3]")]
    pub units: [usize; 4],
}

impl IrSeConfig {
    /// Creates a backbone with random weights.
    pub fn init(&self, device: &Device) -> IrSe {
        let first = self.channels[0];
        let mut inputs = first;
        let mut body = Vec::new();
        for (&channels, &units) in self.channels.iter().zip(&self.units) {
            for unit in 0..units {
                let stride = if unit == 0 { 2 } else { 1 };
                body.push(IrSeUnit::new(inputs, channels, stride, device));
                inputs = channels;
            }
        }
        IrSe {
            conv: conv(Conv::same(self.inputs, first, 3), device),
            norm: BatchNorm::new(first, EPSILON, device),
            prelu: slopes(first, device),
            body,
            units: self.units.to_vec(),
        }
    }
}

/// An IR-SE network without its head.
#[derive(Module, Debug)]
pub struct IrSe {
    conv: Conv2d,
    norm: BatchNorm,
    prelu: Param<Tensor<1>>,
    body: Vec<IrSeUnit>,
    units: Vec<usize>,
}

impl IrSe {
    /// Maps images `[N, C, R, R]` from −1 to 1 to the features of the four stages,
    /// `[N, C_s, R/2, R/2]` to `[N, C_s, R/16, R/16]`.
    pub fn forward(&self, images: Tensor<4>) -> [Tensor<4>; 4] {
        let mut x = self.stem(images);
        let mut units = self.body.iter();
        [0, 1, 2, 3].map(|stage| {
            x = units
                .by_ref()
                .take(self.units[stage])
                .fold(x.clone(), |x, unit| unit.forward(x));
            x.clone()
        })
    }

    /// The layers before the units; they keep the resolution.
    pub(crate) fn stem(&self, images: Tensor<4>) -> Tensor<4> {
        prelu(
            self.norm.forward(convolve(&self.conv, images)),
            self.prelu.val(),
        )
    }
}

/// `shortcut(x) + squeeze(norm(conv(prelu(conv(norm(x))))))`.
#[derive(Module, Debug)]
pub struct IrSeUnit {
    norm_in: BatchNorm,
    conv1: Conv2d,
    prelu: Param<Tensor<1>>,
    conv2: Conv2d,
    norm_out: BatchNorm,
    se: SqueezeExcitation,
    shortcut: Option<Shortcut>,
    stride: usize,
}

/// The shortcut of a unit that changes the number of channels.
#[derive(Module, Debug)]
struct Shortcut {
    conv: Conv2d,
    norm: BatchNorm,
}

impl IrSeUnit {
    /// Creates a unit with random weights.
    pub(crate) fn new(inputs: usize, outputs: usize, stride: usize, device: &Device) -> Self {
        Self {
            norm_in: BatchNorm::new(inputs, EPSILON, device),
            conv1: conv(Conv::same(inputs, outputs, 3), device),
            prelu: slopes(outputs, device),
            conv2: conv(Conv::same(outputs, outputs, 3).stride(stride), device),
            norm_out: BatchNorm::new(outputs, EPSILON, device),
            se: SqueezeExcitation::new(outputs, device),
            shortcut: (inputs != outputs).then(|| Shortcut {
                conv: conv(Conv::same(inputs, outputs, 1).stride(stride), device),
                norm: BatchNorm::new(outputs, EPSILON, device),
            }),
            stride,
        }
    }

    /// `[N, C, H, W]` to `[N, C', H/s, W/s]`, rounded up.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let shortcut = match &self.shortcut {
            Some(Shortcut { conv, norm }) => norm.forward(convolve(conv, x.clone())),
            // Max pooling with a 1×1 kernel: every second pixel.
            None if self.stride > 1 => {
                let mut every = MaxPoolOptions::new([1, 1]);
                every.stride = [self.stride; 2];
                max_pool2d(x.clone(), every)
            }
            None => x.clone(),
        };
        let y = convolve(&self.conv1, self.norm_in.forward(x));
        let y = convolve(&self.conv2, prelu(y, self.prelu.val()));
        shortcut + self.se.forward(self.norm_out.forward(y))
    }
}

/// Squeeze and excitation: scales each channel by a function of all channel means.
#[derive(Module, Debug)]
pub struct SqueezeExcitation {
    fc1: Conv2d,
    fc2: Conv2d,
}

impl SqueezeExcitation {
    /// Creates a layer with random weights.
    pub(crate) fn new(channels: usize, device: &Device) -> Self {
        let squeezed = (channels / SQUEEZE).max(1);
        Self {
            fc1: conv(Conv::same(channels, squeezed, 1), device),
            fc2: conv(Conv::same(squeezed, channels, 1), device),
        }
    }

    /// `[N, C, H, W]` to the same shape.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let means = x.clone().mean_dim(2).mean_dim(3);
        x * sigmoid(self.fc2.forward(relu(self.fc1.forward(means))))
    }
}

fn slopes(channels: usize, device: &Device) -> Param<Tensor<1>> {
    Initializer::Constant { value: 0.25 }.init([channels], device)
}
