//! clip2latent's checkpoints: the EMA of the prior from its trainer.

use burn::tensor::Device;

use super::{Claims, Network};
use crate::prior::PriorConfig;
use crate::weights::WeightsError;

/// Prefix of the EMA.
const PREFIX: &str = "state_dict.ema_diffusion_prior.ema_model.";

/// Name prefixes outside the blocks: (public, this library's).
const SINGLE: [(&str, &str); 7] = [
    ("latent_mean", "latent_mean"),
    ("latent_std", "latent_std"),
    ("net.learned_query", "net.learned_query"),
    ("net.to_time_embeds.0.weight", "net.time_embedding"),
    (
        "net.causal_transformer.rel_pos_bias.relative_attention_bias.weight",
        "net.positions.weight",
    ),
    ("net.causal_transformer.norm.gamma", "net.norm.gamma"),
    (
        "net.causal_transformer.project_out.weight",
        "net.project_out",
    ),
];

/// Names in a block: (public, this library's).
const BLOCK: [(&str, &str); 9] = [
    ("0.norm.gamma", "attention.norm.gamma"),
    ("0.null_kv", "attention.null_kv"),
    ("0.to_q.weight", "attention.to_q"),
    ("0.to_kv.weight", "attention.to_kv"),
    ("0.to_out.0.weight", "attention.to_out"),
    ("0.to_out.1.gamma", "attention.norm_out.gamma"),
    ("1.0.gamma", "feed_forward.norm.gamma"),
    ("1.1.weight", "feed_forward.expand"),
    ("1.5.weight", "feed_forward.project"),
];

/// Buffers that follow from the number of time steps.
const SCHEDULE: [&str; 12] = [
    "betas",
    "alphas_cumprod",
    "alphas_cumprod_prev",
    "sqrt_alphas_cumprod",
    "sqrt_one_minus_alphas_cumprod",
    "log_one_minus_alphas_cumprod",
    "sqrt_recip_alphas_cumprod",
    "sqrt_recipm1_alphas_cumprod",
    "posterior_variance",
    "posterior_log_variance_clipped",
    "posterior_mean_coef1",
    "posterior_mean_coef2",
];

/// Reads the prior.
pub(super) fn from_clip2latent(claims: &mut Claims<'_>) -> Result<Network, WeightsError> {
    let checkpoint = claims.checkpoint;
    let config = config(claims)?;
    check_shifts(claims)?;
    for (pattern, reason) in [
        (
            "state_dict.diffusion_prior.*",
            "the prior in training, not its EMA",
        ),
        (
            "state_dict.ema_diffusion_prior.online_model.*",
            "a second copy of the prior",
        ),
        ("state_dict.ema_diffusion_prior.initted", "a training flag"),
        ("state_dict.*step", "a training counter"),
        ("*.rotary_emb.freqs", "constant frequencies"),
        ("*.beta", "zero shifts"),
    ] {
        claims.leave_out(pattern, reason);
    }
    for name in SCHEDULE {
        claims.leave_out(&format!("{PREFIX}{name}"), "part of the noise schedule");
    }
    let tensors = claims.take_renamed(PREFIX, ours);
    let module = config.init(&Device::flex());
    let source_name = &checkpoint.source_name;
    Network::new("clip2latent", &config, &module, tensors, source_name)
}

fn ours(theirs: &str) -> Option<String> {
    let find = |table: &[(&str, &str)], name: &str| {
        let entry = table.iter().find(|(theirs, _)| *theirs == name)?;
        Some(entry.1.to_owned())
    };
    find(&SINGLE, theirs).or_else(|| {
        let layer = theirs.strip_prefix("net.causal_transformer.layers.")?;
        let (block, field) = layer.split_once('.')?;
        Some(format!("net.blocks.{block}.{}", find(&BLOCK, field)?))
    })
}

fn config(claims: &Claims<'_>) -> Result<PriorConfig, WeightsError> {
    let name = |name: &str| format!("{PREFIX}net.{name}");
    let [dim] = claims.shape(&name("learned_query"))?;
    let [num_timesteps, _] = claims.shape(&name("to_time_embeds.0.weight"))?;
    let [_, heads] = claims.shape(&name(
        "causal_transformer.rel_pos_bias.relative_attention_bias.weight",
    ))?;
    let [_, dim_head] = claims.shape(&name("causal_transformer.layers.0.0.null_kv"))?;
    let queries = name("causal_transformer.layers.*.0.to_q.weight");
    Ok(PriorConfig::new(dim, claims.names(&queries).count(), heads)
        .with_dim_head(dim_head)
        .with_num_timesteps(num_timesteps))
}

/// The norms of this architecture have no shift; the file stores zeros.
fn check_shifts(claims: &Claims<'_>) -> Result<(), WeightsError> {
    for name in claims.names(&format!("{PREFIX}*.beta")) {
        let values = claims.get(name)?.to_f32().unwrap_or_default();
        if values.iter().any(|&value| value != 0.0) {
            let reason = format!("`{name}` is not zero, unlike in every clip2latent");
            return Err(WeightsError::unsupported(claims.checkpoint, reason));
        }
    }
    Ok(())
}
