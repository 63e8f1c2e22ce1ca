//! StyleGAN2 between the names of NVIDIA, of rosinality, and of this library.
//!
//! References: `training/networks.py` of NVlabs/stylegan2-ada-pytorch, `model.py` and `convert_weight.py` of
//! rosinality/stylegan2-pytorch.

mod key;
mod nvidia;
mod rosinality;

pub(super) use nvidia::from_nvidia;
pub(super) use rosinality::from_rosinality;

use std::collections::BTreeMap;

use anyface_checkpoint::StoredTensor;
use burn::tensor::Device;

use self::key::keys;
use super::{Claims, Network};
use crate::stylegan2::GeneratorConfig;
use crate::weights::{WeightsError, parameter_shapes};

/// Whose names a generator's tensors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `G_ema.synthesis.b8.conv0.weight`.
    Nvidia,
    /// `g_ema.convs.0.conv.weight`.
    Rosinality,
}

/// The low-pass filter [1, 3, 3, 1] in both directions, `[4, 4]`, with sum `gain`: no other resampling is known.
fn filter(gain: f32) -> StoredTensor {
    let taps = [1.0, 3.0, 3.0, 1.0];
    let values = taps.map(|row| taps.map(|column| row * column / 64.0 * gain));
    StoredTensor::from_f32(vec![4, 4], values.as_flattened())
}

/// Claims the parameters of a generator and the filters, which must be [`filter`].
fn claim(
    claims: &mut Claims<'_>,
    config: &GeneratorConfig,
    naming: Naming,
) -> Result<Network, WeightsError> {
    let checkpoint = claims.checkpoint;
    if let Err(error) = config.validate() {
        return Err(WeightsError::unsupported(checkpoint, error.to_string()));
    }
    let generator = config.init(&Device::flex());
    let shapes = parameter_shapes(&generator);
    let mut tensors = BTreeMap::new();
    for key in keys(config) {
        let tensor = claims.take_as(key.name(naming), &shapes[&key.ours])?;
        tensors.insert(key.ours, tensor);
    }
    let (pattern, expected) = match naming {
        Naming::Nvidia => ("G_ema.*.resample_filter", filter(1.0)),
        Naming::Rosinality => ("g_ema.*.kernel", filter(4.0)),
    };
    for name in claims.names(pattern) {
        if *claims.get(name)? != expected {
            let reason = format!("`{name}` is not the filter [1, 3, 3, 1]");
            return Err(WeightsError::unsupported(checkpoint, reason));
        }
    }
    claims.leave_out(pattern, "a filter that never changes");
    Network::new(
        "generator",
        config,
        &generator,
        tensors,
        &checkpoint.source_name,
    )
}

/// The tensors of a generator under the names and shapes of another implementation, filters included: what its own files
/// hold, bit for bit. `tensors` are those of [`Network`].
///
/// # Errors
/// The first tensor of `config` that is missing.
pub fn export(
    config: &GeneratorConfig,
    tensors: &BTreeMap<String, StoredTensor>,
    naming: Naming,
) -> Result<BTreeMap<String, StoredTensor>, WeightsError> {
    let mut exported = BTreeMap::new();
    for key in keys(config) {
        let missing = || WeightsError::Missing {
            source_name: "the generator".to_owned(),
            tensor: key.ours.clone(),
        };
        let tensor = tensors.get(&key.ours).ok_or_else(missing)?;
        let shape = key.shape(naming, tensor.shape());
        let reshaped = tensor
            .reshaped(shape)
            .expect("only axes of length 1 differ");
        exported.insert(key.name(naming).to_owned(), reshaped);
    }
    let (names, filter) = match naming {
        Naming::Nvidia => (nvidia::filters(config), filter(1.0)),
        Naming::Rosinality => (rosinality::filters(config), filter(4.0)),
    };
    exported.extend(names.into_iter().map(|name| (name, filter.clone())));
    Ok(exported)
}
