//! MobileFaceNet's ncnn graph, where layers are named by block.

use burn::tensor::Device;
use serde_json::Value;

use super::{Claims, Network};
use crate::identity::{BottleneckConfig, MobileFaceNetConfig};
use crate::weights::WeightsError;

/// Names outside the blocks: (public, this library's).
const SINGLE: [(&str, &str); 4] = [
    ("conv_1", "stem"),
    ("conv_2_dw", "stem_depthwise"),
    ("conv_6sep", "last"),
    ("conv_6dw7_7", "pool"),
];

/// Parts of a block: (public, this library's).
const PARTS: [(&str, &str); 3] = [
    ("conv_sep", "expand"),
    ("conv_dw", "depthwise"),
    ("conv_proj", "project"),
];

/// Layers of a part: (public, this library's).
const LAYERS: [(&str, &str); 3] = [
    ("_conv2d.", ".conv."),
    ("_batchnorm.", ".norm."),
    ("_relu.slope", ".prelu"),
];

/// Reads the recogniser.
pub(super) fn from_mobile_face_net(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let blocks = blocks(&claims.checkpoint.metadata);
    let config = config(claims, &blocks)?;
    let tensors = claims.take_renamed("", |name| rename(name, &blocks));
    let module = config.init(&Device::flex());
    let source_name = &claims.checkpoint.source_name;
    Network::new("identity", &config, &module, tensors, source_name)
}

/// Names of the blocks in graph order: `dconv_23`, `res_3_block0`.
fn blocks(metadata: &Value) -> Vec<&str> {
    let layers = metadata["layers"].as_array().map_or(&[][..], Vec::as_slice);
    let names = layers.iter().filter_map(Value::as_str);
    names
        .filter_map(|name| name.strip_suffix("_conv_sep_conv2d"))
        .collect()
}

fn config(claims: &Claims<'_>, blocks: &[&str]) -> Result<MobileFaceNetConfig, WeightsError> {
    let outputs = |layer: &str| -> Result<usize, WeightsError> {
        let [outputs, ..] = claims.shape::<4>(&format!("{layer}_conv2d.weight"))?;
        Ok(outputs)
    };
    let block = |name: &&str| -> Result<BottleneckConfig, WeightsError> {
        let expanded = outputs(&format!("{name}_conv_sep"))?;
        let projected = outputs(&format!("{name}_conv_proj"))?;
        Ok(BottleneckConfig::new(
            expanded,
            projected,
            name.starts_with("res_"),
        ))
    };
    let blocks = blocks.iter().map(block).collect::<Result<_, _>>()?;
    let [embed_dim, _] = claims.shape("pre_fc1.weight")?;
    Ok(MobileFaceNetConfig::new(
        outputs("conv_1")?,
        blocks,
        outputs("conv_6sep")?,
        embed_dim,
    ))
}

fn rename(theirs: &str, blocks: &[&str]) -> Option<String> {
    if let Some(field) = theirs.strip_prefix("pre_fc1.") {
        return Some(format!("linear.{field}"));
    }
    if let Some(field) = theirs.strip_prefix("fc1.") {
        return Some(format!("norm.{field}"));
    }
    let (part, layer) = LAYERS.iter().find_map(|(layer, ours)| {
        let (part, field) = theirs.split_once(layer)?;
        Some((part, format!("{ours}{field}")))
    })?;
    if let Some((_, ours)) = SINGLE.iter().find(|(theirs, _)| *theirs == part) {
        return Some(format!("{ours}{layer}"));
    }
    PARTS.iter().find_map(|(suffix, ours)| {
        let block = part.strip_suffix(suffix)?.strip_suffix('_')?;
        let index = blocks.iter().position(|name| *name == block)?;
        Some(format!("blocks.{index}.{ours}{layer}"))
    })
}
