//! The names of rosinality/stylegan2-pytorch.

use super::super::Claims;
use super::Layout;
use crate::stylegan2::GeneratorConfig;
use crate::weights::WeightsError;

/// Derives the sizes from the shapes of the tensors; nothing else varies.
pub(super) fn config(
    claims: &Claims<'_>,
    layout: &Layout,
) -> Result<GeneratorConfig, WeightsError> {
    let [_, _, first, _, _] = claims.shape(&layout.name("to_rgb1.conv.weight"))?;
    let mut channels = vec![first];
    let colours = |level: usize| layout.name(&format!("to_rgbs.{level}.conv.weight"));
    while let Ok([_, _, width, _, _]) = claims.shape(&colours(channels.len() - 1)) {
        channels.push(width);
    }
    let first_layer = layout.name("style.1.weight");
    let [w_dim, z_dim] = claims.shape(&first_layer)?;
    if z_dim != w_dim {
        // An unconditional generator uses one width for both: `EqualLinear(style_dim, style_dim)`.
        let reason = format!(
            "class-conditional generators are not supported: `{first_layer}` reads \
             {z_dim} values, but a latent has {w_dim}"
        );
        return Err(WeightsError::unsupported(claims.checkpoint, reason));
    }
    let mapping_layers = claims.names(&layout.name("style.*.weight")).count();
    Ok(GeneratorConfig::new(z_dim, w_dim, channels).with_mapping_layers(mapping_layers))
}

/// Names of the filters, relative to the generator.
pub(super) fn filters(config: &GeneratorConfig) -> Vec<String> {
    (1..config.channels.len())
        .flat_map(|level| {
            [
                format!("convs.{}.conv.blur.kernel", 2 * level - 2),
                format!("to_rgbs.{}.upsample.kernel", level - 1),
            ]
        })
        .collect()
}
