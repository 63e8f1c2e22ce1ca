//! YuNet: a face detector (Wu et al. 2023, Machine Intelligence Research 20, 656–665).
//!
//! Reference: ShiqiYu/libfacedetection.train, the released `yunet_n` and `yunet_s`.

use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor};

use crate::layers::{Conv, conv};

/// Number of units in the backbone.
pub(crate) const UNITS: usize = 11;

/// Units preceded by downsampling.
const HALVED: [usize; 4] = [1, 5, 7, 9];

/// Units with detection heads, at 1/8, 1/16 and 1/32 of the resolution.
const LEVELS: [usize; 3] = [6, 8, 10];

/// Channels of the four heads: class, objectness, box, and five points.
const HEADS: [usize; 4] = [1, 1, 4, 10];

/// Sizes of a [`YuNet`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct YuNetConfig {
    /// Channels after the first convolution.
    pub stem: usize,
    /// Channels after each unit of the backbone.
    pub channels: [usize; UNITS],
    /// Whether the heads of a level share a unit, as in `yunet_n`.
    pub shared: bool,
}

impl YuNetConfig {
    /// Creates a detector with random weights.
    pub fn init(&self, device: &Device) -> YuNet {
        let width = self.channels[UNITS - 1];
        let inputs = std::iter::once(self.stem).chain(self.channels);
        let three = |outputs| (0..3).map(|_| Unit::new(width, outputs, device)).collect();
        YuNet {
            stem: conv(Conv::same(3, self.stem, 3).stride(2).bias(), device),
            backbone: inputs
                .zip(self.channels)
                .map(|(inputs, outputs)| Unit::new(inputs, outputs, device))
                .collect(),
            neck: three(width),
            shared: if self.shared {
                three(width)
            } else {
                Vec::new()
            },
            class: three(HEADS[0]),
            object: three(HEADS[1]),
            bbox: three(HEADS[2]),
            points: three(HEADS[3]),
        }
    }
}

/// A depthwise separable convolution: 1×1, then depthwise 3×3.
#[derive(Module, Debug)]
struct Unit {
    pointwise: Conv2d,
    depthwise: Conv2d,
}

impl Unit {
    fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        let depthwise = Conv {
            groups: outputs,
            ..Conv::same(outputs, outputs, 3).bias()
        };
        Self {
            pointwise: conv(Conv::same(inputs, outputs, 1).bias(), device),
            depthwise: conv(depthwise, device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.depthwise.forward(self.pointwise.forward(x))
    }
}

/// The detector.
#[derive(Module, Debug)]
pub struct YuNet {
    stem: Conv2d,
    backbone: Vec<Unit>,
    neck: Vec<Unit>,
    shared: Vec<Unit>,
    class: Vec<Unit>,
    object: Vec<Unit>,
    bbox: Vec<Unit>,
    points: Vec<Unit>,
}

/// Output of the heads for each cell of one level, row by row: `[N, H·W, C]`.
#[derive(Debug, Clone)]
pub struct Level {
    /// Side of a cell in pixels: 8, 16 or 32.
    pub stride: usize,
    /// Probability of a face, `[N, H·W, 1]`, 0 to 1.
    pub class: Tensor<3>,
    /// Proximity of the face's centre, `[N, H·W, 1]`, 0 to 1. The score of a face is the geometric
    /// mean of both.
    pub object: Tensor<3>,
    /// Centre relative to the cell's corner, and logarithm of width and height, in cells:
    /// `[N, H·W, 4]`.
    pub bbox: Tensor<3>,
    /// Eyes, nose and mouth corners, from left to right in the picture, relative to the cell's
    /// corner, in cells: `[N, H·W, 10]`.
    pub points: Tensor<3>,
}

impl YuNet {
    /// Maps BGR images `[N, 3, H, W]` from 0 to 255, with sides that are multiples of 32, to the
    /// output of the three levels.
    pub fn forward(&self, images: Tensor<4>) -> [Level; 3] {
        let [fine, middle, coarse] = self.features(images);
        let neck = |level: usize, x| relu(self.neck[level].forward(x));
        let coarse = neck(2, coarse);
        let middle = neck(1, middle + double(coarse.clone()));
        let fine = neck(0, fine + double(middle.clone()));
        let mut features = [fine, middle, coarse].into_iter();
        [0, 1, 2].map(|level| {
            let x = features.next().expect("three levels");
            let x = match self.shared.get(level) {
                Some(shared) => relu(shared.forward(x)),
                None => x,
            };
            let head = |heads: &[Unit]| cells(heads[level].forward(x.clone()));
            Level {
                stride: 8 << level,
                class: sigmoid(head(&self.class)),
                object: sigmoid(head(&self.object)),
                bbox: head(&self.bbox),
                points: head(&self.points),
            }
        })
    }

    fn features(&self, images: Tensor<4>) -> [Tensor<4>; 3] {
        let mut x = relu(self.stem.forward(images));
        let outputs: Vec<Tensor<4>> = self
            .backbone
            .iter()
            .enumerate()
            .map(|(index, unit)| {
                if HALVED.contains(&index) {
                    x = max_pool2d(x.clone(), MaxPoolOptions::new([2, 2]));
                }
                x = relu(unit.forward(x.clone()));
                x.clone()
            })
            .collect();
        LEVELS.map(|unit| outputs[unit].clone())
    }
}

/// Repeats each pixel in both directions.
fn double(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h, 1, w, 1])
        .expand([n, c, h, 2, w, 2])
        .reshape([n, c, 2 * h, 2 * w])
}

/// `[N, C, H, W]` to `[N, H·W, C]`.
fn cells(x: Tensor<4>) -> Tensor<3> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h * w]).swap_dims(1, 2)
}
