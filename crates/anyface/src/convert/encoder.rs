//! Encoders of e4e, pSp and ReStyle, with the generator that they were trained for.

use anyface_checkpoint::{Checkpoint, StoredTensor};
use burn::tensor::Device;

use super::{Claims, Network, ir_se, stylegan2};
use crate::inversion::{EncoderConfig, Method};
use crate::weights::WeightsError;

/// What comes before an encoder's names.
const PREFIX: &str = "state_dict.encoder.";

/// The encoder of a file, and its generator.
pub(super) fn from_encoder(claims: &mut Claims<'_>) -> Result<Vec<Network>, WeightsError> {
    let checkpoint = claims.checkpoint;
    claims.leave_out("*.num_batches_tracked", "a counter of training");
    let generator = decoder(claims)?;
    let config = config(claims)?;
    let mut tensors = ir_se::take_backbone(claims, PREFIX);
    tensors.extend(claims.take_renamed(PREFIX, name));
    let module = config.init(&Device::flex());
    let source_name = &checkpoint.source_name;
    let encoder = Network::new("inversion", &config, &module, tensors, source_name)?;
    Ok(vec![encoder, generator])
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

fn config(claims: &Claims<'_>) -> Result<EncoderConfig, WeightsError> {
    let backbone = ir_se::config(claims, PREFIX)?;
    let num_ws = claims
        .names("state_dict.encoder.styles.*.linear.weight")
        .count();
    let halvings = claims
        .names("state_dict.encoder.styles.0.convs.*.weight")
        .count();
    if halvings > 8 {
        let reason = format!("an encoder that halves its features {halvings} times");
        return Err(WeightsError::unsupported(claims.checkpoint, reason));
    }
    let method = method(claims.checkpoint)?;
    Ok(EncoderConfig::new(method, num_ws, backbone).with_resolution(16 << halvings))
}

/// The weights do not tell offsets from latents: the options of training do.
fn method(checkpoint: &Checkpoint) -> Result<Method, WeightsError> {
    let name = checkpoint.metadata.pointer("/opts/encoder_type");
    match name.and_then(|name| name.as_str()) {
        Some("Encoder4Editing") => Ok(Method::E4e),
        Some("GradualStyleEncoder") => Ok(Method::Psp),
        Some("ProgressiveBackboneEncoder") => Ok(Method::RestyleE4e),
        Some("BackboneEncoder") => Ok(Method::RestylePsp),
        Some(other) => Err(WeightsError::unsupported(
            checkpoint,
            format!("an encoder of the type {other}"),
        )),
        None => Err(WeightsError::unsupported(
            checkpoint,
            "no opts.encoder_type in it",
        )),
    }
}

/// The generator, under rosinality's names.
fn decoder(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let checkpoint = claims.checkpoint;
    let mut tensors =
        claims.take_renamed("state_dict.decoder.", |name| Some(format!("g_ema.{name}")));
    let latent_avg = claims.take("latent_avg")?;
    tensors.insert(
        "latent_avg".to_owned(),
        mean_latent(checkpoint, latent_avg)?,
    );
    let file = checkpoint.with_tensors(tensors);
    let mut claims = Claims::new(&file);
    let network = stylegan2::from_rosinality(&mut claims)?;
    claims.finish()?;
    Ok(network)
}

/// `[D]` of `[D]` or of `[L, D]` with equal rows.
fn mean_latent(
    checkpoint: &Checkpoint,
    stored: &StoredTensor,
) -> Result<StoredTensor, WeightsError> {
    let &[num_ws, width] = stored.shape() else {
        return Ok(stored.clone());
    };
    let data = stored.data();
    let row = data.len() / num_ws.max(1);
    let equal = data.chunks(row.max(1)).all(|other| other == &data[..row]);
    let first = data[..row].to_vec().into();
    StoredTensor::contiguous(stored.dtype(), vec![width], &first)
        .ok()
        .filter(|_| equal)
        .ok_or_else(|| {
            WeightsError::unsupported(checkpoint, "`latent_avg` differs from layer to layer")
        })
}
