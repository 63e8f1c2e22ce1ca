//! `CLIPModel` of transformers.

use std::collections::BTreeMap;

use anyface_checkpoint::StoredTensor;

use super::super::{Claims, Network};
use super::{Choices, towers};
use crate::clip::transformer::Activation;
use crate::weights::WeightsError;

/// Tensors outside the blocks: (transformers' name, OpenAI's name).
const SINGLE: [(&str, &str); 13] = [
    (
        "text_model.embeddings.token_embedding.weight",
        "token_embedding.weight",
    ),
    (
        "text_model.embeddings.position_embedding.weight",
        "positional_embedding",
    ),
    ("text_model.final_layer_norm.weight", "ln_final.weight"),
    ("text_model.final_layer_norm.bias", "ln_final.bias"),
    (
        "vision_model.embeddings.class_embedding",
        "visual.class_embedding",
    ),
    (
        "vision_model.embeddings.patch_embedding.weight",
        "visual.conv1.weight",
    ),
    (
        "vision_model.embeddings.position_embedding.weight",
        "visual.positional_embedding",
    ),
    // The misspelling is in transformers.
    ("vision_model.pre_layrnorm.weight", "visual.ln_pre.weight"),
    ("vision_model.pre_layrnorm.bias", "visual.ln_pre.bias"),
    (
        "vision_model.post_layernorm.weight",
        "visual.ln_post.weight",
    ),
    ("vision_model.post_layernorm.bias", "visual.ln_post.bias"),
    ("text_projection.weight", "text_projection"),
    ("visual_projection.weight", "visual.proj"),
];

/// Modules of a block: (transformers' name, OpenAI's name).
const BLOCK: [(&str, &str); 5] = [
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    ("self_attn.out_proj", "attn.out_proj"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
];

/// Reads both towers.
pub(in super::super) fn from_hugging_face(
    claims: &mut Claims<'_>,
) -> Result<Vec<Network>, WeightsError> {
    let checkpoint = claims.checkpoint;
    let choices = choices(claims)?;
    claims.leave_out("*.position_ids", "the indices from 0");
    claims.leave_out("logit_scale", "the temperature of training");
    let mut tensors = BTreeMap::new();
    for (theirs, ours) in SINGLE {
        let tensor = claims.take(theirs)?;
        let tensor = match theirs.ends_with("projection.weight") {
            true if tensor.shape().len() == 2 => tensor.permuted(&[1, 0]),
            _ => tensor.clone(),
        };
        tensors.insert(ours.to_owned(), tensor);
    }
    for (theirs, ours) in [
        ("text_model", "transformer"),
        ("vision_model", "visual.transformer"),
    ] {
        for index in 0.. {
            let block = format!("{theirs}.encoder.layers.{index}");
            if claims.names(&format!("{block}.*")).next().is_none() {
                break;
            }
            tensors.extend(take_block(
                claims,
                &block,
                &format!("{ours}.resblocks.{index}"),
            )?);
        }
    }
    towers(checkpoint, tensors, &choices)
}

/// Claims the tensors of a block. OpenAI's layout joins the projections of query, key and value.
fn take_block(
    claims: &mut Claims<'_>,
    theirs: &str,
    ours: &str,
) -> Result<Vec<(String, StoredTensor)>, WeightsError> {
    let mut tensors = Vec::new();
    for field in ["weight", "bias"] {
        for (their_name, our_name) in BLOCK {
            let tensor = claims.take(&format!("{theirs}.{their_name}.{field}"))?;
            tensors.push((format!("{ours}.{our_name}.{field}"), tensor.clone()));
        }
        let mut parts = Vec::new();
        for projection in ["q_proj", "k_proj", "v_proj"] {
            parts.push(claims.take(&format!("{theirs}.self_attn.{projection}.{field}"))?);
        }
        let Some(joined) = StoredTensor::cat(&parts) else {
            let reason =
                format!("`{theirs}.self_attn`: query, key and value differ in shape or type");
            return Err(WeightsError::unsupported(claims.checkpoint, reason));
        };
        tensors.push((format!("{ours}.attn.in_proj_{field}"), joined));
    }
    Ok(tensors)
}

/// Reads `config.json` beside the file, with transformers' defaults.
fn choices(claims: &Claims<'_>) -> Result<Choices, WeightsError> {
    let config = claims.checkpoint.sidecar(
        "config.json",
        "the model's file on Hugging Face, with `vision_config` and `text_config`",
    )?;
    let number = |pointer: &str| config.pointer(pointer)?.as_u64()?.try_into().ok();
    let activation = match config
        .pointer("/text_config/hidden_act")
        .and_then(|name| name.as_str())
    {
        None | Some("quick_gelu") => Activation::QuickGelu,
        Some("gelu") => Activation::Gelu,
        Some(other) => {
            let reason =
                format!("config.json: hidden_act is {other}; supported are gelu and quick_gelu");
            return Err(WeightsError::unsupported(claims.checkpoint, reason));
        }
    };
    Ok(Choices {
        activation,
        text_heads: number("/text_config/num_attention_heads"),
        image_heads: number("/vision_config/num_attention_heads"),
    })
}
