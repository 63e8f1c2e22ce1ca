//! Conversion of CLIP to a text tower and an image tower.
//!
//! References: `clip/model.py` of openai/CLIP, `modeling_clip.py` of transformers,
//! `open_clip/model.py`.

mod hugging_face;
mod openai;

pub(super) use hugging_face::from_hugging_face;
pub(super) use openai::from_openai;

use std::collections::BTreeMap;

use anyface_checkpoint::{Checkpoint, StoredTensor};
use burn::tensor::Device;

use super::Network;
use crate::clip::{
    ImageTowerConfig, ModifiedResNetConfig, TextTowerConfig, VisionTransformerConfig,
};
use crate::weights::WeightsError;

/// Settings that the weights do not determine.
#[derive(Debug)]
struct Choices {
    activation: crate::clip::transformer::Activation,
    /// Number of attention heads of the text tower.
    text_heads: Option<usize>,
    /// Number of attention heads of the image tower.
    image_heads: Option<usize>,
}

/// Checks tensors under OpenAI's names and makes both towers.
fn towers(
    checkpoint: &Checkpoint,
    tensors: BTreeMap<String, StoredTensor>,
    choices: &Choices,
) -> Result<Vec<Network>, WeightsError> {
    let source_name = &checkpoint.source_name;
    let mut image = BTreeMap::new();
    let mut text = BTreeMap::new();
    for (name, tensor) in tensors {
        match name.strip_prefix("visual.") {
            Some(name) => image.insert(name.to_owned(), tensor),
            None => text.insert(name, tensor),
        };
    }
    let image_config = image_config(checkpoint, &image, choices)?;
    let text_config = text_config(checkpoint, &text, choices)?;
    let device = Device::flex();
    Ok(vec![
        Network::new(
            "image_tower",
            &image_config,
            &image_config.init(&device),
            image,
            source_name,
        )?,
        Network::new(
            "text_tower",
            &text_config,
            &text_config.init(&device),
            text,
            source_name,
        )?,
    ])
}

fn image_config(
    checkpoint: &Checkpoint,
    tensors: &BTreeMap<String, StoredTensor>,
    choices: &Choices,
) -> Result<ImageTowerConfig, WeightsError> {
    if tensors.contains_key("layer1.0.conv1.weight") {
        return resnet_config(checkpoint, tensors).map(ImageTowerConfig::ModifiedResNet);
    }
    let [width, _, patch_size, _] = shape(checkpoint, tensors, "conv1.weight")?;
    let [positions, _] = shape(checkpoint, tensors, "positional_embedding")?;
    let [_, embed_dim] = shape(checkpoint, tensors, "proj")?;
    let patches = (positions.max(1) - 1).isqrt();
    let config = VisionTransformerConfig::new(
        patches * patch_size,
        patch_size,
        width,
        numbered(tensors, "transformer.resblocks", "ln_1.weight"),
        heads(checkpoint, width, choices.image_heads)?,
        embed_dim,
    );
    Ok(ImageTowerConfig::VisionTransformer(
        config.with_activation(choices.activation),
    ))
}

fn resnet_config(
    checkpoint: &Checkpoint,
    tensors: &BTreeMap<String, StoredTensor>,
) -> Result<ModifiedResNetConfig, WeightsError> {
    let [positions, channels] = shape(checkpoint, tensors, "attnpool.positional_embedding")?;
    let [embed_dim, _] = shape(checkpoint, tensors, "attnpool.c_proj.weight")?;
    let [width, ..]: [_; 4] = shape(checkpoint, tensors, "conv3.weight")?;
    Ok(ModifiedResNetConfig::new(
        32 * (positions.max(1) - 1).isqrt(),
        [1, 2, 3, 4].map(|stage| numbered(tensors, &format!("layer{stage}"), "conv1.weight")),
        width,
        heads(checkpoint, channels, None)?,
        embed_dim,
    ))
}

fn text_config(
    checkpoint: &Checkpoint,
    tensors: &BTreeMap<String, StoredTensor>,
    choices: &Choices,
) -> Result<TextTowerConfig, WeightsError> {
    let [vocab_size, width] = shape(checkpoint, tensors, "token_embedding.weight")?;
    let [context, _] = shape(checkpoint, tensors, "positional_embedding")?;
    let [_, embed_dim] = shape(checkpoint, tensors, "text_projection")?;
    Ok(TextTowerConfig::new(
        vocab_size,
        context,
        width,
        numbered(tensors, "transformer.resblocks", "ln_1.weight"),
        heads(checkpoint, width, choices.text_heads)?,
        embed_dim,
    )
    .with_activation(choices.activation))
}

fn shape<const N: usize>(
    checkpoint: &Checkpoint,
    tensors: &BTreeMap<String, StoredTensor>,
    name: &str,
) -> Result<[usize; N], WeightsError> {
    let Some(tensor) = tensors.get(name) else {
        return Err(WeightsError::Missing {
            source_name: checkpoint.source_name.clone(),
            tensor: name.to_owned(),
        });
    };
    tensor.shape().try_into().map_err(|_| {
        let reason = format!(
            "`{name}` has shape {:?}; it should have {N} axes",
            tensor.shape()
        );
        WeightsError::unsupported(checkpoint, reason)
    })
}

/// How many of `prefix.0`, `prefix.1`, … have the tensor `name`.
fn numbered(tensors: &BTreeMap<String, StoredTensor>, prefix: &str, name: &str) -> usize {
    (0..)
        .take_while(|i| tensors.contains_key(&format!("{prefix}.{i}.{name}")))
        .count()
}

/// Number of attention heads: from the config if there is one, else with 64 channels each, as in
/// all of OpenAI's models.
fn heads(
    checkpoint: &Checkpoint,
    width: usize,
    heads: Option<usize>,
) -> Result<usize, WeightsError> {
    let heads = heads.unwrap_or(width / 64);
    match heads > 0 && width.is_multiple_of(heads) {
        true => Ok(heads),
        false => {
            let reason = format!("{width} channels cannot be split into {heads} attention heads");
            Err(WeightsError::unsupported(checkpoint, reason))
        }
    }
}
