//! Encoders of e4e, pSp and ReStyle, with the generators they were trained for.

use anyface_checkpoint::Checkpoint;
use burn::tensor::Device;
use serde_json::Value;

use super::stylegan2::{Layout, Naming};
use super::{Claims, Network, ir_se, stylegan2};
use crate::inversion::{EncoderConfig, Method};
use crate::weights::WeightsError;

/// A tensor that every encoder file has.
const SIGN: &str = "encoder.input_layer.0.weight";

/// Expected content of `opts.json` for a file that does not say its encoder type.
const OPTIONS: &str = "`{\"encoder_type\": \"Encoder4Editing\"}` for e4e, or the options that the \
    encoder was trained with: its weights do not distinguish e4e from pSp";

/// Prefix before `encoder.` in the names of an encoder file.
pub(super) fn prefix(checkpoint: &Checkpoint) -> Option<&str> {
    let mut names = checkpoint.tensors.keys();
    names.find_map(|name| name.strip_suffix(SIGN))
}

/// Reads the encoder, and its generator if the file has one.
pub(super) fn from_encoder(claims: &mut Claims<'_>) -> Result<Vec<Network>, WeightsError> {
    let checkpoint = claims.checkpoint;
    claims.leave_out("*.num_batches_tracked", "a training counter");
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
        claims.leave_out("*latent_avg", "the mean of w, already in the generator");
        return Ok(vec![encoder]);
    }
    Ok(vec![encoder, stylegan2::generator(claims, &decoder)?])
}

/// This library's name of a tensor outside the backbone.
fn name(theirs: &str) -> Option<String> {
    if theirs.starts_with("latlayer") {
        return Some(theirs.to_owned());
    }
    let (style, field) = theirs.strip_prefix("styles.")?.split_once('.')?;
    Some(format!("styles.{style}.{}", style_block_name(field)?))
}

/// This library's name of a tensor in a style block. `convs.4.weight` becomes `convs.2.weight`,
/// because the public list has a ReLU after each convolution.
pub(crate) fn style_block_name(theirs: &str) -> Option<String> {
    if theirs.starts_with("linear.") {
        return Some(theirs.to_owned());
    }
    let (index, field) = theirs.strip_prefix("convs.")?.split_once('.')?;
    let conv = index.parse::<usize>().ok()? / 2;
    Some(format!("convs.{conv}.{field}"))
}

/// Derives the sizes from the shapes of the tensors under `prefix`, and the method from the
/// training options.
fn config(claims: &Claims<'_>, prefix: &str) -> Result<EncoderConfig, WeightsError> {
    let backbone = ir_se::config(claims, prefix)?;
    let count = |pattern: &str| claims.names(&format!("{prefix}{pattern}")).count();
    let num_ws = count("styles.*.linear.weight");
    let halvings = count("styles.0.convs.*.weight");
    if halvings > 8 {
        let reason =
            format!("the encoder halves its features {halvings} times, which is not supported");
        return Err(WeightsError::unsupported(claims.checkpoint, reason));
    }
    let [w_dim, style_width] = claims.shape(&format!("{prefix}styles.0.linear.weight"))?;
    let method = method(claims.checkpoint)?;
    Ok(EncoderConfig::new(method, num_ws, backbone)
        .with_resolution(16 << halvings)
        .with_style_width(style_width)
        .with_w_dim(w_dim))
}

/// The weights do not distinguish offsets from latents. The training options in the file or in
/// `opts.json` beside it do.
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
            format!("encoders of type {name} are not supported"),
        )),
    }
}
