//! Encoders of e4e, pSp and ReStyle, with the generator that they were trained for.

use anyface_checkpoint::Checkpoint;
use burn::tensor::Device;
use serde_json::Value;

use super::stylegan2::{Layout, Naming};
use super::{Claims, Network, ir_se, stylegan2};
use crate::inversion::{EncoderConfig, Method};
use crate::weights::WeightsError;

/// The first tensor of an encoder.
const SIGN: &str = "encoder.input_layer.0.weight";

/// What to say of an encoder whose kind the file does not tell.
const OPTIONS: &str = "`{\"encoder_type\": \"Encoder4Editing\"}` for e4e, or the options that the \
    encoder was trained with: its weights do not tell e4e from pSp";

/// What comes before `encoder.` in the names of a file with an encoder.
pub(super) fn prefix(checkpoint: &Checkpoint) -> Option<&str> {
    let mut names = checkpoint.tensors.keys();
    names.find_map(|name| name.strip_suffix(SIGN))
}

/// The encoder of a file, and its generator where it has one.
pub(super) fn from_encoder(claims: &mut Claims<'_>) -> Result<Vec<Network>, WeightsError> {
    let checkpoint = claims.checkpoint;
    claims.leave_out("*.num_batches_tracked", "a counter of training");
    let outer = prefix(checkpoint).unwrap_or_default();
    let encoder = format!("{outer}encoder.");
    let config = config(claims, &encoder)?;
    let mut tensors = ir_se::take_backbone(claims, &encoder);
    tensors.extend(claims.take_renamed(&encoder, name));
    let module = config.init(&Device::flex());
    let source_name = &checkpoint.source_name;
    let encoder = Network::new("inversion", &config, &module, tensors, source_name)?;
    let decoder = Layout {
        naming: Naming::Rosinality,
        prefix: format!("{outer}decoder."),
    };
    let has_decoder = claims
        .names(&format!("{}*", decoder.prefix))
        .next()
        .is_some();
    if !has_decoder {
        claims.leave_out("*latent_avg", "the mean of w, which the generator has");
        return Ok(vec![encoder]);
    }
    Ok(vec![encoder, stylegan2::generator(claims, &decoder)?])
}

/// Our name of a tensor outside the backbone.
fn name(theirs: &str) -> Option<String> {
    if theirs.starts_with("latlayer") {
        return Some(theirs.to_owned());
    }
    let (style, field) = theirs.strip_prefix("styles.")?.split_once('.')?;
    Some(format!("styles.{style}.{}", style_block_name(field)?))
}

/// Our name of a tensor of a style block: `convs.4.weight` is `convs.2.weight`, for their list has a ReLU after each
/// convolution.
pub(crate) fn style_block_name(theirs: &str) -> Option<String> {
    if theirs.starts_with("linear.") {
        return Some(theirs.to_owned());
    }
    let (index, field) = theirs.strip_prefix("convs.")?.split_once('.')?;
    let conv = index.parse::<usize>().ok()? / 2;
    Some(format!("convs.{conv}.{field}"))
}

/// Sizes by the shapes of the tensors below `prefix`, and the method by the options of training.
fn config(claims: &Claims<'_>, prefix: &str) -> Result<EncoderConfig, WeightsError> {
    let backbone = ir_se::config(claims, prefix)?;
    let count = |pattern: &str| claims.names(&format!("{prefix}{pattern}")).count();
    let num_ws = count("styles.*.linear.weight");
    let halvings = count("styles.0.convs.*.weight");
    if halvings > 8 {
        let reason = format!("an encoder that halves its features {halvings} times");
        return Err(WeightsError::unsupported(claims.checkpoint, reason));
    }
    let [w_dim, style_width] = claims.shape(&format!("{prefix}styles.0.linear.weight"))?;
    let method = method(claims.checkpoint)?;
    Ok(EncoderConfig::new(method, num_ws, backbone)
        .with_resolution(16 << halvings)
        .with_style_width(style_width)
        .with_w_dim(w_dim))
}

/// The weights do not tell offsets from latents: the options of training do, in the file or in
/// `opts.json` beside it.
fn method(checkpoint: &Checkpoint) -> Result<Method, WeightsError> {
    let beside: Value;
    let name = match checkpoint.metadata.pointer("/opts/encoder_type") {
        Some(name) => name,
        None => {
            beside = checkpoint.sidecar("opts.json", OPTIONS)?;
            &beside["encoder_type"]
        }
    };
    match name.as_str() {
        Some("Encoder4Editing") => Ok(Method::E4e),
        Some("GradualStyleEncoder") => Ok(Method::Psp),
        Some("ProgressiveBackboneEncoder") => Ok(Method::RestyleE4e),
        Some("BackboneEncoder") => Ok(Method::RestylePsp),
        _ => Err(WeightsError::unsupported(
            checkpoint,
            format!("an encoder of the type {name}, which this library does not have"),
        )),
    }
}
