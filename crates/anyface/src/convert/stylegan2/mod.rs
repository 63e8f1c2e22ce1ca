//! StyleGAN2 under the names of NVIDIA, rosinality and this library.
//!
//! References: `training/networks.py` of NVlabs/stylegan2-ada-pytorch, `model.py` and
//! `convert_weight.py` of rosinality/stylegan2-pytorch.

mod fill_in;
mod key;
mod layout;
mod nvidia;
mod rosinality;

pub(super) use layout::Layout;

use std::collections::BTreeMap;

use anyface_checkpoint::StoredTensor;
use burn::tensor::Device;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use self::key::{W_AVG, keys};
use super::{Claims, Network};
use crate::stylegan2::{Architecture, GeneratorConfig};
use crate::weights::{WeightsError, parameter_shapes};

/// Naming of a generator's tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `synthesis.b8.conv0.weight`.
    Nvidia,
    /// `convs.0.conv.weight`.
    Rosinality,
}

/// Reads the generator of a file and leaves out everything else.
pub(super) fn from_stylegan2(
    claims: &mut Claims<'_>,
    layout: &Layout,
) -> Result<Network, WeightsError> {
    let generator = generator(claims, layout)?;
    claims.leave_out_beside(&layout.prefix, layout::part_beside);
    Ok(generator)
}

/// Claims a generator.
pub(super) fn generator(claims: &mut Claims<'_>, layout: &Layout) -> Result<Network, WeightsError> {
    let config = match layout.naming {
        Naming::Nvidia => nvidia::config(claims, layout)?,
        Naming::Rosinality => rosinality::config(claims, layout)?,
    };
    claim(claims, &config, layout)
}

/// The low-pass filter [1, 3, 3, 1] in both directions, `[4, 4]`, with sum `gain`. No other
/// resampling is supported.
fn filter(gain: f32) -> StoredTensor {
    let taps = [1.0, 3.0, 3.0, 1.0];
    let values = taps.map(|row| taps.map(|column| row * column / 64.0 * gain));
    StoredTensor::from_f32(vec![4, 4], values.as_flattened())
}

/// Claims the parameters and filters of a generator.
fn claim(
    claims: &mut Claims<'_>,
    config: &GeneratorConfig,
    layout: &Layout,
) -> Result<Network, WeightsError> {
    let checkpoint = claims.checkpoint;
    if let Err(error) = config.validate() {
        return Err(WeightsError::unsupported(checkpoint, error.to_string()));
    }
    let generator = config.init(&Device::flex());
    let shapes = parameter_shapes(&generator);
    let mut tensors = BTreeMap::new();
    let noise = layout.name("noises.*");
    let is_noiseless = layout.naming == Naming::Rosinality && claims.names(&noise).next().is_none();
    let mut rng = ChaCha8Rng::seed_from_u64(fill_in::SEED);
    for key in keys(config) {
        let shape = &shapes[&key.ours];
        let tensor = match is_noiseless && key.is_noise() {
            true => fill_in::noise(shape, &mut rng),
            false => claims.take_as(&layout.name(key.name(layout.naming)), shape)?,
        };
        tensors.insert(key.ours, tensor);
    }
    if is_noiseless {
        let seed = fill_in::SEED;
        let note = format!("the file has no constant noise: it was drawn with seed {seed}");
        claims.notes.push(note);
    }
    take_filters(claims, layout)?;
    take_w_avg(claims, config, layout, &mut tensors)?;
    let source_name = &checkpoint.source_name;
    Network::new("generator", config, &generator, tensors, source_name)
}

/// Claims the filters, which must equal [`filter`].
fn take_filters(claims: &mut Claims<'_>, layout: &Layout) -> Result<(), WeightsError> {
    let (pattern, expected) = match layout.naming {
        Naming::Nvidia => ("*.resample_filter", filter(1.0)),
        Naming::Rosinality => ("*.kernel", filter(4.0)),
    };
    let pattern = layout.name(pattern);
    for name in claims.names(&pattern) {
        let found = claims.get(name)?;
        // The values are exact in every float type.
        if found.shape() != expected.shape() || found.to_f32() != expected.to_f32() {
            let reason = format!("`{name}` is not the filter [1, 3, 3, 1]");
            return Err(WeightsError::unsupported(claims.checkpoint, reason));
        }
    }
    claims.leave_out(&pattern, "a constant filter");
    Ok(())
}

/// Claims the mean of `w`, or computes it if a training checkpoint has none.
fn take_w_avg(
    claims: &mut Claims<'_>,
    config: &GeneratorConfig,
    layout: &Layout,
    tensors: &mut BTreeMap<String, StoredTensor>,
) -> Result<(), WeightsError> {
    let shape = [config.w_dim];
    let names = match layout.naming {
        Naming::Nvidia => vec![layout.name(W_AVG)],
        Naming::Rosinality => vec![
            "latent_avg".to_owned(),
            "dlatent_avg".to_owned(),
            layout.name("latent_avg"),
        ],
    };
    let stored = names.iter().find(|name| claims.get(name).is_ok());
    let w_avg = match (stored, layout.naming) {
        (Some(name), _) => {
            let stored = claims.take(name)?;
            let w_avg = mean_row(stored).unwrap_or_else(|| stored.clone());
            if w_avg.shape() != shape {
                return Err(WeightsError::Shape {
                    source_name: claims.checkpoint.source_name.clone(),
                    tensor: name.clone(),
                    expected: shape.to_vec(),
                    found: stored.shape().to_vec(),
                });
            }
            w_avg
        }
        (None, Naming::Nvidia) => claims.take_as(&names[0], &shape)?,
        (None, Naming::Rosinality) => {
            let samples = fill_in::SAMPLES;
            claims.notes.push(format!(
                "the file has no latent_avg: it was computed as the mean of {samples} latents of \
                 the mapping network"
            ));
            let any = StoredTensor::from_f32(shape.to_vec(), &vec![0.0; config.w_dim]);
            tensors.insert(W_AVG.to_owned(), any);
            fill_in::mean_w(config, tensors, &claims.checkpoint.source_name)?
        }
    };
    tensors.insert(W_AVG.to_owned(), w_avg);
    Ok(())
}

/// `[D]` from `[L, D]` with equal rows, as encoder files store it.
fn mean_row(stored: &StoredTensor) -> Option<StoredTensor> {
    let &[rows, _] = stored.shape() else {
        return None;
    };
    let rows = (rows > 0).then(|| stored.unstacked())?;
    rows.iter()
        .all(|row| *row == rows[0])
        .then(|| rows[0].clone())
}

/// The tensors of a generator under the names and shapes of another implementation, including
/// filters: bit for bit the content of its own files. `tensors` are those of [`Network`].
///
/// # Errors
/// If a tensor of `config` is missing, or the architecture is not `skip` under rosinality's names.
pub fn export(
    config: &GeneratorConfig,
    tensors: &BTreeMap<String, StoredTensor>,
    naming: Naming,
) -> Result<BTreeMap<String, StoredTensor>, WeightsError> {
    if naming == Naming::Rosinality && config.architecture() != Architecture::Skip {
        return Err(WeightsError::Unsupported {
            source_name: "the generator".to_owned(),
            reason: format!(
                "rosinality's code does not support the architecture {:?}",
                config.architecture()
            ),
        });
    }
    let tensor = |ours: &str| {
        tensors.get(ours).ok_or_else(|| WeightsError::Missing {
            source_name: "the generator".to_owned(),
            tensor: ours.to_owned(),
        })
    };
    let (prefix, w_avg, names, filter) = match naming {
        Naming::Nvidia => (
            "G_ema.",
            "G_ema.mapping.w_avg",
            nvidia::filters(config),
            filter(1.0),
        ),
        Naming::Rosinality => (
            "g_ema.",
            "latent_avg",
            rosinality::filters(config),
            filter(4.0),
        ),
    };
    let mut exported = BTreeMap::from([(w_avg.to_owned(), tensor(W_AVG)?.clone())]);
    for key in keys(config) {
        let tensor = tensor(&key.ours)?;
        let shape = key.shape(naming, tensor.shape());
        let reshaped = tensor
            .reshaped(shape)
            .expect("only axes of length 1 differ");
        exported.insert(format!("{prefix}{}", key.name(naming)), reshaped);
    }
    let filters = names
        .into_iter()
        .map(|name| (format!("{prefix}{name}"), filter.clone()));
    exported.extend(filters);
    Ok(exported)
}
