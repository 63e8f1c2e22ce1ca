//! `anyface convert`: public checkpoints to safetensors.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyface::bundle::Bundle;
use anyface::checkpoint::Checkpoint;
use anyface::convert::{Converted, convert};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// Convert a public checkpoint to safetensors
///
/// The content of the file determines its kind: StyleGAN2 of NVIDIA or rosinality, CLIP of OpenAI,
/// Hugging Face or open_clip, e4e, clip2latent, AnyFace++. Code in the file never runs. OUT.json
/// receives the sizes of the network. If the output is the folder of a bundle, the networks are put
/// into the bundle; it does not change if they do not fit.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File to read: safetensors or its index, torch, TorchScript, pickle, numpy
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File to write, or folder of a bundle; the path of a new folder ends in /
    #[arg(value_name = "OUT.safetensors|BUNDLE/")]
    output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let ends_in_slash = self.output.as_os_str().as_encoded_bytes().ends_with(b"/");
        let into_bundle = ends_in_slash || self.output.is_dir();
        let is_safetensors = self.output.extension().is_some_and(|e| e == "safetensors");
        if !into_bundle && !is_safetensors {
            bail!(
                "{}: the output must be a .safetensors file, or a folder that ends in /",
                self.output.display()
            );
        }
        let checkpoint = Checkpoint::open(&self.input)?;
        let converted = convert(&checkpoint)?;
        if into_bundle && converted.networks.is_empty() {
            bail!("{}: contains no network for a bundle", self.input.display());
        }
        let has_directions = || {
            let directions = Bundle::folder(&self.output).section::<Option<Value>>("directions");
            directions.is_ok_and(|directions| directions.is_some())
        };
        let had_directions = has_directions();
        let put = match into_bundle {
            true => converted
                .put(&self.output)
                .with_context(|| format!("{} is unchanged", self.output.display()))?,
            false => {
                converted.save(&self.output)?;
                Vec::new()
            }
        };
        self.report(&checkpoint, &converted, &put)?;
        if into_bundle && !self.json {
            report_bundle(&self.output, &put)?;
        }
        if had_directions && !has_directions() {
            eprintln!(
                "removed the global directions, which were measured on other networks: \
                 `anyface prepare directions` computes new ones"
            );
        }
        Ok(())
    }

    fn report(&self, checkpoint: &Checkpoint, converted: &Converted, put: &[&str]) -> Result<()> {
        let (kind, container) = (converted.kind.name(), checkpoint.container.to_string());
        let tensors = converted.tensors().len();
        let left_out = &converted.left_out;
        let mut out = std::io::stdout().lock();
        if self.json {
            let left_out: Vec<_> = left_out
                .iter()
                .map(|part| json!({"name": part.name, "reason": part.reason}))
                .collect();
            let missing = match put {
                [] => Vec::new(),
                _ => Bundle::folder(&self.output).missing_networks()?,
            };
            let report = json!({
                "kind": kind,
                "container": container,
                "tensors": tensors,
                "left_out": left_out,
                "notes": converted.notes,
                "put": put,
                "missing": missing,
                "path": self.output,
            });
            writeln!(out, "{report}")?;
            return Ok(());
        }
        writeln!(
            out,
            "{}  {kind} from {container}  {tensors} tensors",
            self.output.display()
        )?;
        for part in left_out {
            writeln!(out, "left out {}: {}", part.name, part.reason)?;
        }
        for note in &converted.notes {
            writeln!(out, "note: {note}")?;
        }
        Ok(())
    }
}

/// Prints which networks were put into the bundle and which are still missing.
fn report_bundle(folder: &Path, put: &[&str]) -> Result<()> {
    let bundle = Bundle::folder(folder);
    let mut out = std::io::stdout().lock();
    writeln!(out, "put {}", put.join(", "))?;
    let missing = bundle.missing_networks()?;
    if !missing.is_empty() {
        writeln!(
            out,
            "still missing for generate, edit, invert, interpolate and serve: {}",
            missing.join(", ")
        )?;
        return Ok(());
    }
    let config = bundle.config()?;
    writeln!(out, "complete: text-to-face by {}", config.mapper.name())?;
    if !config.inverts() {
        writeln!(
            out,
            "no encoder: edit and invert find the latents of pictures by optimisation"
        )?;
    }
    Ok(())
}
