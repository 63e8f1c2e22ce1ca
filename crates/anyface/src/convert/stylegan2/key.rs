//! The table of tensor names in three implementations.

use super::Naming;
use crate::stylegan2::{Architecture, GeneratorConfig};

/// The mean of `w`, under this library's and NVIDIA's name.
pub(super) const W_AVG: &str = "mapping.w_avg";

/// One tensor under its three names, each relative to the generator.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) ours: String,
    pub(super) nvidia: String,
    pub(super) rosinality: String,
    axes: Axes,
}

/// Axes of length 1 by which the shapes differ.
#[derive(Debug, Clone, Copy)]
enum Axes {
    /// No difference.
    Same,
    /// rosinality has this number of leading axes.
    Front(usize),
    /// A scalar: NVIDIA has no axis, the others have one.
    Scalar,
    /// Per colour; rosinality has pixel axes: `[1, 3, 1, 1]`.
    Pixels,
}

impl Key {
    fn new(ours: String, nvidia: String, rosinality: String, axes: Axes) -> Self {
        Self {
            ours,
            nvidia,
            rosinality,
            axes,
        }
    }

    pub(super) fn name(&self, naming: Naming) -> &str {
        match naming {
            Naming::Nvidia => &self.nvidia,
            Naming::Rosinality => &self.rosinality,
        }
    }

    /// Whether the tensor is a noise map.
    pub(super) fn is_noise(&self) -> bool {
        self.ours.ends_with(".noise_const")
    }

    /// The shape in `naming` of a tensor with shape `ours` in this library.
    pub(super) fn shape(&self, naming: Naming, ours: &[usize]) -> Vec<usize> {
        match (naming, self.axes) {
            (Naming::Nvidia, Axes::Scalar) => Vec::new(),
            (Naming::Rosinality, Axes::Front(count)) => [&vec![1; count], ours].concat(),
            (Naming::Rosinality, Axes::Pixels) => [&[1], ours, &[1, 1]].concat(),
            _ => ours.to_vec(),
        }
    }
}

/// All tensors of a generator of these sizes except [`W_AVG`], which rosinality stores outside the
/// generator.
pub(super) fn keys(config: &GeneratorConfig) -> Vec<Key> {
    let mut keys = vec![Key::new(
        "synthesis.input".to_owned(),
        "synthesis.b4.const".to_owned(),
        "input.input".to_owned(),
        Axes::Front(1),
    )];
    for layer in 0..config.mapping_layers {
        for field in ["weight", "bias"] {
            keys.push(Key::new(
                format!("mapping.fc.{layer}.{field}"),
                format!("mapping.fc{layer}.{field}"),
                // style.0 is the normalisation of z.
                format!("style.{}.{field}", layer + 1),
                Axes::Same,
            ));
        }
    }
    for level in 0..config.channels.len() {
        let ours = format!("synthesis.blocks.{level}");
        let nvidia = format!("synthesis.b{}", 4 << level);
        let module = |name: &str, rosinality: String| Module {
            ours: format!("{ours}.{name}"),
            nvidia: format!("{nvidia}.{name}"),
            rosinality,
        };
        let (conv1, torgb) = match level {
            0 => ("conv1".to_owned(), "to_rgb1".to_owned()),
            _ => (
                format!("convs.{}", 2 * level - 1),
                format!("to_rgbs.{}", level - 1),
            ),
        };
        if level > 0 {
            let conv0 = format!("convs.{}", 2 * level - 2);
            keys.extend(module("conv0", conv0).convolution(2 * level - 1));
        }
        keys.extend(module("conv1", conv1).convolution(2 * level));
        if level > 0 && config.architecture() == Architecture::Resnet {
            // rosinality does not have this architecture.
            let skip = module("skip", String::new());
            keys.push(skip.key("weight", "", Axes::Same));
        }
        let is_last = level + 1 == config.channels.len();
        if is_last || config.architecture() == Architecture::Skip {
            keys.extend(module("torgb", torgb).colours());
        }
    }
    keys
}

/// A layer of the synthesis network under its three names.
struct Module {
    ours: String,
    nvidia: String,
    rosinality: String,
}

impl Module {
    /// A styled convolution. rosinality stores all noise maps in one list.
    fn convolution(&self, noise: usize) -> [Key; 6] {
        let noise = Key::new(
            format!("{}.noise_const", self.ours),
            format!("{}.noise_const", self.nvidia),
            format!("noises.noise_{noise}"),
            Axes::Front(2),
        );
        let [weight, affine_weight, affine_bias] = self.styled();
        [
            weight,
            affine_weight,
            affine_bias,
            self.key("bias", "activate.bias", Axes::Same),
            self.key("noise_strength", "noise.weight", Axes::Scalar),
            noise,
        ]
    }

    /// A to-RGB layer.
    fn colours(&self) -> [Key; 4] {
        let [weight, affine_weight, affine_bias] = self.styled();
        let bias = self.key("bias", "bias", Axes::Pixels);
        [weight, affine_weight, affine_bias, bias]
    }

    fn styled(&self) -> [Key; 3] {
        [
            self.key("weight", "conv.weight", Axes::Front(1)),
            self.key("affine.weight", "conv.modulation.weight", Axes::Same),
            self.key("affine.bias", "conv.modulation.bias", Axes::Same),
        ]
    }

    fn key(&self, field: &str, rosinality: &str, axes: Axes) -> Key {
        Key::new(
            format!("{}.{field}", self.ours),
            format!("{}.{field}", self.nvidia),
            format!("{}.{rosinality}", self.rosinality),
            axes,
        )
    }
}
