//! The FID Inception network under torchvision's names, as in pytorch-fid.

use std::collections::BTreeMap;

use burn::tensor::Device;

use super::{Claims, Network};
use crate::inception::InceptionConfig;
use crate::inception::graph::{BLOCKS, STEM};
use crate::weights::WeightsError;

/// Number of classes in TensorFlow's network; torchvision's has 1000.
const CLASSES: usize = 1008;

/// Reads the network.
pub(super) fn from_inception(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let checkpoint = claims.checkpoint;
    let [classes, _] = claims.shape("fc.weight")?;
    if classes != CLASSES {
        let reason =
            format!("`fc.weight` has {classes} rows, but the FID Inception network has {CLASSES}");
        return Err(WeightsError::unsupported(checkpoint, reason));
    }
    let units = units();
    let mut channels = Vec::new();
    for (theirs, _) in &units {
        let [outputs, ..] = claims.shape::<4>(&format!("{theirs}.conv.weight"))?;
        channels.push(outputs);
    }
    let config = InceptionConfig::new(channels, classes);
    claims.leave_out("*.num_batches_tracked", "a training counter");
    let ours: BTreeMap<String, String> = units.into_iter().collect();
    let tensors = claims.take_renamed("", |name| {
        if name.starts_with("fc.") {
            return Some(name.to_owned());
        }
        let layer = ["conv", "bn"].iter().find_map(|layer| {
            let (unit, field) = name.split_once(&format!(".{layer}."))?;
            Some((unit, layer, field))
        });
        let (unit, layer, field) = layer?;
        let layer = if *layer == "bn" { "norm" } else { layer };
        Some(format!("{}.{layer}.{field}", ours.get(unit)?))
    });
    let module = config.init(&Device::flex());
    Network::new(
        "inception",
        &config,
        &module,
        tensors,
        &checkpoint.source_name,
    )
}

/// The convolutions in graph order: (public name, this library's name).
fn units() -> Vec<(String, String)> {
    let stem = STEM.iter().enumerate();
    let mut units: Vec<_> = stem
        .map(|(i, step)| (step.name.to_owned(), format!("stem.{i}")))
        .collect();
    for (b, block) in BLOCKS.iter().enumerate() {
        for (k, branch) in block.branches.iter().enumerate() {
            let steps = branch.steps.iter().enumerate();
            units.extend(steps.map(|(i, step)| {
                let theirs = format!("{}.{}", block.name, step.name);
                (theirs, format!("blocks.{b}.branches.{k}.units.{i}"))
            }));
        }
    }
    units
}
