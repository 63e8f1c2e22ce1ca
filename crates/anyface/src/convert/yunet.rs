//! YuNet's ONNX files: convolutions in graph order.

use std::collections::BTreeMap;

use burn::tensor::Device;

use super::{Claims, Network};
use crate::weights::WeightsError;
use crate::yunet::{UNITS, YuNetConfig};

/// Reads the detector.
pub(super) fn from_yunet(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let mut nodes: Vec<(usize, &str)> = claims
        .names("Conv_*.weight")
        .filter_map(|name| {
            let node = name.strip_suffix(".weight")?;
            Some((node.strip_prefix("Conv_")?.parse().ok()?, node))
        })
        .collect();
    nodes.sort_unstable();
    let config = config(claims, &nodes)?;
    let mut tensors = BTreeMap::new();
    for ((_, node), ours) in nodes.iter().zip(names(config.shared)) {
        for field in ["weight", "bias"] {
            let tensor = claims.take(&format!("{node}.{field}"))?;
            tensors.insert(format!("{ours}.{field}"), tensor.clone());
        }
    }
    for constant in claims
        .names("*")
        .filter(|name| name.parse::<u32>().is_ok())
        .collect::<Vec<_>>()
    {
        claims.leave_out(constant, "a size constant of the graph");
    }
    let module = config.init(&Device::flex());
    let source_name = &claims.checkpoint.source_name;
    Network::new("face_detector", &config, &module, tensors, source_name)
}

fn config(claims: &Claims<'_>, nodes: &[(usize, &str)]) -> Result<YuNetConfig, WeightsError> {
    let shared = match nodes.len() {
        found if found == names(true).len() => true,
        found if found == names(false).len() => false,
        found => {
            let reason = format!("the graph has {found} convolutions, unlike YuNet");
            return Err(WeightsError::unsupported(claims.checkpoint, reason));
        }
    };
    let outputs = |node: usize| -> Result<usize, WeightsError> {
        let [outputs, ..] = claims.shape::<4>(&format!("{}.weight", nodes[node].1))?;
        Ok(outputs)
    };
    let mut channels = [0; UNITS];
    for (unit, channels) in channels.iter_mut().enumerate() {
        *channels = outputs(1 + 2 * unit)?;
    }
    Ok(YuNetConfig::new(outputs(0)?, channels, shared))
}

/// This library's names of the convolutions, in graph order.
fn names(shared: bool) -> Vec<String> {
    let mut units: Vec<String> = (0..UNITS).map(|unit| format!("backbone.{unit}")).collect();
    units.extend(["neck.2", "neck.1", "neck.0"].map(str::to_owned));
    let heads: &[&str] = match shared {
        true => &["shared", "class", "bbox", "object", "points"],
        false => &["class", "bbox", "object", "points"],
    };
    for head in heads {
        units.extend((0..3).map(|level| format!("{head}.{level}")));
    }
    let convolutions = units
        .iter()
        .flat_map(|unit| [format!("{unit}.pointwise"), format!("{unit}.depthwise")]);
    std::iter::once("stem".to_owned())
        .chain(convolutions)
        .collect()
}
