//! Pickles of stylegan2-ada-pytorch: the moving average `G_ema` is taken.

use anyface_checkpoint::Checkpoint;
use serde_json::Value;

use super::super::{Claims, Network};
use super::{Naming, claim};
use crate::stylegan2::GeneratorConfig;
use crate::weights::WeightsError;

/// The generator of a pickle.
pub(in super::super) fn from_nvidia(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let config = config(claims)?;
    for (pattern, reason) in [
        ("G.*", "the generator in training, not its average"),
        ("D.*", "the discriminator"),
        ("augment_pipe.*", "the augmentation of training"),
    ] {
        claims.leave_out(pattern, reason);
    }
    claim(claims, &config, Naming::Nvidia)
}

/// Sizes by the shapes of the tensors; the rest by the attributes of the modules.
fn config(claims: &Claims<'_>) -> Result<GeneratorConfig, WeightsError> {
    let checkpoint = claims.checkpoint;
    if claims.names("G_ema.synthesis.input.*").next().is_some() {
        return Err(WeightsError::unsupported(
            checkpoint,
            "a StyleGAN3, which this library does not have",
        ));
    }
    if claims.names("G_ema.mapping.embed.*").next().is_some() {
        return Err(WeightsError::unsupported(
            checkpoint,
            "a generator of classes, which this library does not have",
        ));
    }
    let mut channels = Vec::new();
    while let Ok([_, width, _, _]) = claims.shape(&torgb(channels.len())) {
        channels.push(width);
    }
    expect(checkpoint, "synthesis/b8/architecture", &"skip".into())?;
    expect(checkpoint, "synthesis/b8/conv0/activation", &"lrelu".into())?;
    let [w_dim] = claims.shape("G_ema.mapping.w_avg")?;
    let [_, z_dim] = claims.shape("G_ema.mapping.fc0.weight")?;
    let lr_multiplier = attribute(checkpoint, "mapping/fc0/bias_gain")?;
    let clamp = attribute(checkpoint, "synthesis/b8/conv0/conv_clamp")?;
    Ok(GeneratorConfig::new(z_dim, w_dim, channels)
        .with_mapping_layers(claims.names("G_ema.mapping.fc*.weight").count())
        .with_lr_multiplier(lr_multiplier.as_f64().unwrap_or(1.0))
        .with_conv_clamp(clamp.as_f64()))
}

fn torgb(level: usize) -> String {
    format!("G_ema.synthesis.b{}.torgb.weight", 4_usize << level.min(32))
}

/// An attribute of a module of `G_ema`.
fn attribute<'c>(checkpoint: &'c Checkpoint, path: &str) -> Result<&'c Value, WeightsError> {
    let found = checkpoint.metadata.pointer(&format!("/G_ema/{path}"));
    found.ok_or_else(|| {
        let reason = format!("G_ema lacks the attribute {}", path.replace('/', "."));
        WeightsError::unsupported(checkpoint, reason)
    })
}

fn expect(checkpoint: &Checkpoint, path: &str, expected: &Value) -> Result<(), WeightsError> {
    let found = attribute(checkpoint, path)?;
    match found == expected {
        true => Ok(()),
        false => {
            let name = path.replace('/', ".");
            let reason = format!("G_ema.{name} is {found}, this library has {expected} only");
            Err(WeightsError::unsupported(checkpoint, reason))
        }
    }
}

/// Names of the filters.
pub(super) fn filters(config: &GeneratorConfig) -> Vec<String> {
    let mut names = Vec::new();
    for level in 0..config.channels.len() {
        let block = format!("G_ema.synthesis.b{}", 4 << level);
        let layers: &[&str] = if level == 0 {
            &["conv1."]
        } else {
            &["conv0.", "conv1."]
        };
        names.push(format!("{block}.resample_filter"));
        names.extend(
            layers
                .iter()
                .map(|layer| format!("{block}.{layer}resample_filter")),
        );
    }
    names
}
