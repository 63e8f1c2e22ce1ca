//! The IR-SE backbone: the recogniser of TreB1eN/InsightFace_Pytorch (`model_ir_se50.pth`), and
//! part of the encoders.

use std::collections::BTreeMap;

use anyface_checkpoint::StoredTensor;
use burn::tensor::Device;

use super::{Claims, Network};
use crate::identity::{ArcFaceConfig, IrSeConfig};
use crate::weights::WeightsError;

/// Name prefixes outside the units: (public, this library's).
const STEM: [(&str, &str); 3] = [
    ("input_layer.0.", "conv."),
    ("input_layer.1.", "norm."),
    ("input_layer.2.weight", "prelu"),
];

/// Name prefixes in a unit: (public, this library's).
const UNIT: [(&str, &str); 8] = [
    ("res_layer.0.", "norm_in."),
    ("res_layer.1.", "conv1."),
    ("res_layer.2.weight", "prelu"),
    ("res_layer.3.", "conv2."),
    ("res_layer.4.", "norm_out."),
    ("res_layer.5.", "se."),
    ("shortcut_layer.0.", "shortcut.conv."),
    ("shortcut_layer.1.", "shortcut.norm."),
];

/// Name prefixes of the head: (public, this library's).
const HEAD: [(&str, &str); 3] = [
    ("output_layer.0.", "norm_in."),
    ("output_layer.3.", "linear."),
    ("output_layer.4.", "norm_out."),
];

/// Reads the recogniser.
pub(super) fn from_ir_se50(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    claims.leave_out("*.num_batches_tracked", "a training counter");
    let backbone = config(claims, "")?;
    let [embed_dim, _] = claims.shape("output_layer.3.weight")?;
    let config = ArcFaceConfig::new(backbone).with_embed_dim(embed_dim);
    let mut tensors = take_backbone(claims, "");
    tensors.extend(claims.take_renamed("", |name| replace_start(name, &HEAD)));
    let module = config.init(&Device::flex());
    let source_name = &claims.checkpoint.source_name;
    Network::new("identity", &config, &module, tensors, source_name)
}

/// Derives the sizes of the backbone under `prefix`. A stage is a run of units with the same number
/// of channels.
pub(super) fn config(claims: &Claims<'_>, prefix: &str) -> Result<IrSeConfig, WeightsError> {
    let [_, inputs, _, _] = claims.shape(&format!("{prefix}input_layer.0.weight"))?;
    let mut stages: Vec<(usize, usize)> = Vec::new();
    let conv = |unit: usize| format!("{prefix}body.{unit}.res_layer.1.weight");
    let mut unit = 0;
    while let Ok([width, _, _, _]) = claims.shape(&conv(unit)) {
        match stages.last_mut() {
            Some((channels, units)) if *channels == width => *units += 1,
            _ => stages.push((width, 1)),
        }
        unit += 1;
    }
    let Ok(stages): Result<[(usize, usize); 4], _> = stages.try_into() else {
        let reason = "the backbone does not have four stages, which is not supported";
        return Err(WeightsError::unsupported(claims.checkpoint, reason));
    };
    Ok(IrSeConfig::new()
        .with_inputs(inputs)
        .with_channels(stages.map(|(channels, _)| channels))
        .with_units(stages.map(|(_, units)| units)))
}

/// Claims the tensors of the backbone under `prefix` and puts them under `backbone.`.
pub(super) fn take_backbone(
    claims: &mut Claims<'_>,
    prefix: &str,
) -> BTreeMap<String, StoredTensor> {
    claims.take_renamed(prefix, |name| {
        let ours = replace_start(name, &STEM).or_else(|| {
            let (unit, field) = name.strip_prefix("body.")?.split_once('.')?;
            Some(format!("body.{unit}.{}", unit_name(field)?))
        })?;
        Some(format!("backbone.{ours}"))
    })
}

/// This library's name of a tensor in a unit.
pub(crate) fn unit_name(theirs: &str) -> Option<String> {
    replace_start(theirs, &UNIT)
}

/// Replaces the prefix of a name.
fn replace_start(name: &str, table: &[(&str, &str)]) -> Option<String> {
    table
        .iter()
        .find_map(|(theirs, ours)| Some(format!("{ours}{}", name.strip_prefix(theirs)?)))
}
