//! OpenAI's TorchScript archives, and open_clip's files, which use the same names.

use std::collections::BTreeMap;

use anyface_checkpoint::Container;

use super::super::{Claims, Network};
use super::{Choices, towers};
use crate::clip::transformer::Activation;
use crate::weights::WeightsError;

/// Expected content of `open_clip_config.json`, which checkpoints from open_clip's training lack.
const CONFIG_CONTENT: &str = "`{\"model_cfg\": …}` with the entry of open_clip's `model_configs` \
    for this architecture, such as ViT-B-32.json; add `\"quick_gelu\": true` to it if training \
    used QuickGELU";

/// Reads both towers.
pub(in super::super) fn from_openai(claims: &mut Claims<'_>) -> Result<Vec<Network>, WeightsError> {
    let checkpoint = claims.checkpoint;
    let conv1 = claims
        .names("*visual.conv1.weight")
        .next()
        .unwrap_or_default();
    // Training checkpoints wrap the model: `state_dict.module.`.
    let prefix = conv1.trim_end_matches("visual.conv1.weight");
    let choices = choices(claims)?;
    for name in ["input_resolution", "context_length", "vocab_size"] {
        claims.leave_out(
            &format!("{prefix}{name}"),
            "a size that follows from the shapes",
        );
    }
    claims.leave_out(
        &format!("{prefix}logit_scale"),
        "the temperature of training",
    );
    claims.leave_out("optimizer.*", "optimiser state");
    claims.leave_out("*.num_batches_tracked", "a training counter");
    let pattern = format!("{prefix}*");
    let names: Vec<&str> = claims.names(&pattern).collect();
    let mut tensors = BTreeMap::new();
    for name in names {
        let tensor = claims.take(name)?.clone();
        tensors.insert(our_name(&name[prefix.len()..]), tensor);
    }
    towers(checkpoint, tensors, &choices)
}

/// Renames the numbered layers around a ResNet block.
fn our_name(name: &str) -> String {
    name.replace("downsample.0.", "downsample.conv.")
        .replace("downsample.1.", "downsample.norm.")
}

/// OpenAI's own files are TorchScript. For others, `open_clip_config.json` has the settings that
/// the weights do not determine.
fn choices(claims: &Claims<'_>) -> Result<Choices, WeightsError> {
    if claims.checkpoint.container == Container::TorchScript {
        return Ok(Choices {
            activation: Activation::QuickGelu,
            text_heads: None,
            image_heads: None,
        });
    }
    let config = claims
        .checkpoint
        .sidecar("open_clip_config.json", CONFIG_CONTENT)?;
    let model = &config["model_cfg"];
    let number = |pointer: &str| model.pointer(pointer)?.as_u64()?.try_into().ok();
    let activation = match model["quick_gelu"].as_bool() {
        Some(true) => Activation::QuickGelu,
        _ => Activation::Gelu,
    };
    let image_heads = number("/vision_cfg/head_width").and_then(|head: usize| {
        number("/vision_cfg/width").map(|width: usize| width / head.max(1))
    });
    Ok(Choices {
        activation,
        text_heads: number("/text_cfg/heads"),
        image_heads,
    })
}
