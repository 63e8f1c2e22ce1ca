//! The convolutional part of AlexNet and VGG-16.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};

use crate::layers::{Conv, conv};

/// ImageNet's mean and deviation per channel, for images from −1 to 1: the reference's
/// `ScalingLayer`.
const MEAN: [f32; 3] = [-0.030, -0.088, -0.188];
const STD: [f32; 3] = [0.458, 0.448, 0.450];

/// The feature network; it determines the sizes.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
#[non_exhaustive]
pub enum FeatureNetwork {
    /// Krizhevsky 2014 (arXiv 1404.5997), torchvision's `alexnet`.
    AlexNet,
    /// Simonyan and Zisserman 2014 (arXiv 1409.1556), torchvision's `vgg16`.
    Vgg16,
}

/// One convolution with its surrounding operations.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Index in torchvision's list of layers.
    index: usize,
    conv: Conv,
    /// Kernel of the max pooling with stride 2 before it.
    pool: Option<usize>,
    /// Whether its output is a feature layer.
    tap: bool,
}

impl FeatureNetwork {
    /// Creates a network with random weights.
    pub fn init(self, device: &Device) -> Features {
        let convs = self.steps().into_iter().map(|step| conv(step.conv, device));
        Features {
            convs: convs.collect(),
            network: self,
        }
    }

    /// Index of each convolution in torchvision's list of layers.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        self.steps().into_iter().map(|step| step.index)
    }

    /// Channels of each feature layer.
    pub fn taps(self) -> impl Iterator<Item = usize> {
        let steps = self.steps().into_iter();
        steps
            .filter(|step| step.tap)
            .map(|step| step.conv.channels[1])
    }

    fn steps(self) -> Vec<Step> {
        match self {
            Self::AlexNet => alexnet(),
            Self::Vgg16 => vgg16(),
        }
    }
}

fn alexnet() -> Vec<Step> {
    let first = Conv {
        padding: [2, 2],
        ..Conv::same(3, 64, 11).stride(4)
    };
    [
        (0, first, None),
        (3, Conv::same(64, 192, 5), Some(3)),
        (6, Conv::same(192, 384, 3), Some(3)),
        (8, Conv::same(384, 256, 3), None),
        (10, Conv::same(256, 256, 3), None),
    ]
    .map(|(index, conv, pool)| Step {
        index,
        conv: conv.bias(),
        pool,
        tap: true,
    })
    .to_vec()
}

fn vgg16() -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut index, mut inputs) = (0, 3);
    for (stage, (channels, convs)) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)]
        .into_iter()
        .enumerate()
    {
        for i in 0..convs {
            steps.push(Step {
                index,
                conv: Conv::same(inputs, channels, 3).bias(),
                pool: (stage > 0 && i == 0).then_some(2),
                tap: i + 1 == convs,
            });
            inputs = channels;
            // A convolution and its ReLU.
            index += 2;
        }
        // The max pooling.
        index += 1;
    }
    steps
}

/// The feature layers of a network trained on ImageNet.
#[derive(Module, Debug)]
pub struct Features {
    convs: Vec<Conv2d>,
    #[module(skip)]
    network: FeatureNetwork,
}

impl Features {
    /// Maps images `[N, 3, H, W]` from −1 to 1 to five feature layers `[N, C, H', W']`.
    pub fn forward(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        let mut features = Vec::new();
        let mut x = standardize(images);
        for (conv, step) in self.convs.iter().zip(self.network.steps()) {
            if let Some(kernel) = step.pool {
                let mut options = MaxPoolOptions::new([kernel; 2]);
                options.stride = [2, 2];
                x = max_pool2d(x, options);
            }
            x = relu(conv.forward(x));
            if step.tap {
                features.push(x.clone());
            }
        }
        features
    }
}

fn standardize(images: Tensor<4>) -> Tensor<4> {
    let device = images.device();
    let channel =
        |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
    (images - channel(MEAN)) / channel(STD)
}
