//! The released AnyFace++: the mapper, and the memory in its own file.

use std::collections::BTreeMap;

use burn::tensor::Device;
use safetensors::Dtype;

use anyface_checkpoint::Checkpoint;

use super::{Claims, Network};
use crate::mapper::{ImageMapConfig, MemoryConfig};
use crate::weights::WeightsError;

/// Prefix of the tensors that inference uses.
const PREFIX: &str = "state_dict.I_map.mapping.";

/// Number of memory banks.
const BANKS: usize = 26;

/// Whether a file is the memory: exactly this number of banks in half precision and nothing else.
/// Its tensor names carry no information.
pub(super) fn is_memory(checkpoint: &Checkpoint) -> bool {
    let tensors = &checkpoint.tensors;
    let is_stack = |shape: &[usize]| shape.len() == 3 && shape[0] == BANKS;
    let is_bank = |i: usize| {
        let bank = tensors.get(&i.to_string());
        bank.is_some_and(|bank| bank.shape().len() == 2)
    };
    let stacked = tensors.len() == 1 && tensors.values().all(|banks| is_stack(banks.shape()));
    let listed = tensors.len() == BANKS && (0..BANKS).all(is_bank);
    (stacked || listed) && tensors.values().all(|bank| bank.dtype() == Dtype::F16)
}

/// Reads the memory.
pub(super) fn from_memory(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let checkpoint = claims.checkpoint;
    let names: Vec<&str> = claims.names("*").collect();
    let banks = match names.as_slice() {
        [name] => claims.take(name)?.unstacked(),
        _ => (0..BANKS)
            .map(|i| claims.take(&i.to_string()).cloned())
            .collect::<Result<_, _>>()?,
    };
    let rows = banks.iter().map(|bank| bank.shape()[0]).collect();
    let feature_dim = banks.first().map_or(0, |bank| bank.shape()[1]);
    let config = MemoryConfig::new(rows, feature_dim);
    let module = config.init(&Device::flex());
    let named = |(i, bank)| (format!("banks.{i}"), bank);
    let tensors: BTreeMap<_, _> = banks.into_iter().enumerate().map(named).collect();
    let source_name = &checkpoint.source_name;
    Network::new("memory", &config, &module, tensors, source_name)
}

/// Reads the mapper.
pub(super) fn from_mapper(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let checkpoint = claims.checkpoint;
    let [_, w_dim] = claims.shape("state_dict.T_map.mapping.0.weight")?;
    let [_, inputs] = claims.shape(&format!("{PREFIX}0.weight"))?;
    let mut widths = Vec::new();
    while let Ok([outputs, _]) = claims.shape(&format!("{PREFIX}{}.weight", widths.len())) {
        widths.push(outputs);
    }
    if widths
        .last()
        .is_none_or(|width| w_dim == 0 || width % w_dim != 0)
    {
        let reason =
            format!("the last layer of `I_map` is not a multiple of a latent's width, {w_dim}");
        return Err(WeightsError::unsupported(checkpoint, reason));
    }
    claims.leave_out("state_dict.CA_NET.*", "used only in training");
    claims.leave_out("state_dict.T_map.*", "not used by the released scripts");
    let config = ImageMapConfig::new(inputs, widths, w_dim);
    let tensors = claims.take_renamed(PREFIX, |name| Some(format!("layers.{name}")));
    let module = config.init(&Device::flex());
    let source_name = &checkpoint.source_name;
    Network::new("image_map", &config, &module, tensors, source_name)
}
