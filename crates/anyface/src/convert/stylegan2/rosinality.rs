//! Files of rosinality/stylegan2-pytorch: `g_ema` and `latent_avg`.

use super::super::{Claims, Network};
use super::{Naming, claim};
use crate::stylegan2::GeneratorConfig;
use crate::weights::WeightsError;

/// The generator of a file.
pub(in super::super) fn from_rosinality(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let config = config(claims)?;
    for (pattern, reason) in [
        ("g.*", "the generator in training, not its average"),
        ("d.*", "the discriminator"),
        ("g_optim.*", "the state of an optimiser"),
        ("d_optim.*", "the state of an optimiser"),
    ] {
        claims.leave_out(pattern, reason);
    }
    claim(claims, &config, Naming::Rosinality)
}

/// Sizes by the shapes of the tensors; nothing else varies.
fn config(claims: &Claims<'_>) -> Result<GeneratorConfig, WeightsError> {
    let [_, _, first, _, _] = claims.shape("g_ema.to_rgb1.conv.weight")?;
    let mut channels = vec![first];
    while let Ok([_, _, width, _, _]) =
        claims.shape(&format!("g_ema.to_rgbs.{}.conv.weight", channels.len() - 1))
    {
        channels.push(width);
    }
    let [w_dim, z_dim] = claims.shape("g_ema.style.1.weight")?;
    let mapping_layers = claims.names("g_ema.style.*.weight").count();
    Ok(GeneratorConfig::new(z_dim, w_dim, channels).with_mapping_layers(mapping_layers))
}

/// Names of the filters.
pub(super) fn filters(config: &GeneratorConfig) -> Vec<String> {
    (1..config.channels.len())
        .flat_map(|level| {
            [
                format!("g_ema.convs.{}.conv.blur.kernel", 2 * level - 2),
                format!("g_ema.to_rgbs.{}.upsample.kernel", level - 1),
            ]
        })
        .collect()
}
