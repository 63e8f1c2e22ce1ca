//! The names of stylegan2-ada-pytorch and stylegan3, in a pickle or a state dict.

use anyface_checkpoint::Checkpoint;
use serde_json::Value;

use super::super::Claims;
use super::Layout;
use crate::stylegan2::{Architecture, GeneratorConfig};
use crate::weights::WeightsError;

/// Derives the sizes from the shapes of the tensors, and the rest from the attributes of the
/// modules, which a state dict lacks.
pub(super) fn config(
    claims: &mut Claims<'_>,
    layout: &Layout,
) -> Result<GeneratorConfig, WeightsError> {
    let checkpoint = claims.checkpoint;
    let has = |name: &str| claims.names(&layout.name(name)).next().is_some();
    if has("synthesis.input.*") {
        return Err(WeightsError::unsupported(
            checkpoint,
            "StyleGAN3 is not supported: use a StyleGAN2",
        ));
    }
    if has("mapping.embed.*") {
        return Err(WeightsError::unsupported(
            checkpoint,
            "class-conditional generators are not supported",
        ));
    }
    let architecture = match (
        has("synthesis.b8.skip.weight"),
        has("synthesis.b4.torgb.weight"),
    ) {
        (true, _) => Architecture::Resnet,
        (false, true) => Architecture::Skip,
        (false, false) => Architecture::Orig,
    };
    let conv1 = |level: usize| {
        layout.name(&format!(
            "synthesis.b{}.conv1.weight",
            4_usize << level.min(32)
        ))
    };
    let mut channels = Vec::new();
    while let Ok([width, _, _, _]) = claims.shape(&conv1(channels.len())) {
        channels.push(width);
    }
    let [w_dim] = claims.shape(&layout.name("mapping.w_avg"))?;
    let [_, z_dim] = claims.shape(&layout.name("mapping.fc0.weight"))?;
    let mapping_layers = claims.names(&layout.name("mapping.fc*.weight")).count();
    let config = GeneratorConfig::new(z_dim, w_dim, channels).with_mapping_layers(mapping_layers);
    let config = match architecture {
        Architecture::Skip => config,
        other => config.with_architecture(Some(other)),
    };
    let Some(attributes) = attributes(checkpoint, layout) else {
        claims.notes.push(
            "a state dict does not store conv_clamp: none is used, as in NVIDIA's FFHQ networks of \
             2020"
                .to_owned(),
        );
        return Ok(config);
    };
    let attribute = |path: &str| {
        let missing = || {
            format!(
                "the generator lacks the attribute {}",
                path.replace('/', ".")
            )
        };
        let found = attributes.pointer(&format!("/{path}"));
        found.ok_or_else(|| WeightsError::unsupported(checkpoint, missing()))
    };
    let activation = attribute("synthesis/b8/conv0/activation")?;
    if activation != "lrelu" {
        let reason = format!("the activation {activation} is not supported, only lrelu");
        return Err(WeightsError::unsupported(checkpoint, reason));
    }
    let lr_multiplier = attribute("mapping/fc0/bias_gain")?.as_f64();
    Ok(config
        .with_lr_multiplier(lr_multiplier.unwrap_or(1.0))
        .with_conv_clamp(attribute("synthesis/b8/conv0/conv_clamp")?.as_f64()))
}

/// The attributes of a pickled generator.
fn attributes<'c>(checkpoint: &'c Checkpoint, layout: &Layout) -> Option<&'c Value> {
    let path = layout.prefix.trim_end_matches('.').replace('.', "/");
    let pointer = match path.as_str() {
        "" => String::new(),
        path => format!("/{path}"),
    };
    let module = checkpoint.metadata.pointer(&pointer)?;
    module.get("class").is_some().then_some(module)
}

/// Names of the filters, relative to the generator.
pub(super) fn filters(config: &GeneratorConfig) -> Vec<String> {
    let mut names = Vec::new();
    for level in 0..config.channels.len() {
        let block = format!("synthesis.b{}", 4 << level);
        let has_skip = config.architecture() == Architecture::Resnet;
        let layers: &[&str] = match (level, has_skip) {
            (0, _) => &["", "conv1."],
            (_, false) => &["", "conv0.", "conv1."],
            (_, true) => &["", "conv0.", "conv1.", "skip."],
        };
        let filters = layers.iter();
        names.extend(filters.map(|layer| format!("{block}.{layer}resample_filter")));
    }
    names
}
