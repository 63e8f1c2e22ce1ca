//! `anyface eval`: measures the quality of a bundle.

mod diversity;
mod fid;
mod identity;
mod photographs;
mod pictures;
mod probed;
mod retrieval;
mod text;
mod words;

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

use super::network::NetworkArgs;

/// Measure the quality of a bundle
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    suite: Suite,
}

/// The measurements.
#[derive(Debug, clap::Subcommand)]
enum Suite {
    /// Do faces have the attributes that captions name?
    Faithfulness(probed::FaithfulnessArgs),
    /// Do faces lack the attributes that captions deny?
    Denials(words::Args),
    /// Are other languages and emoji understood as well as English?
    Languages(words::Args),
    /// Do "slightly" and "very" weaken and strengthen an attribute?
    Intensity(words::Args),
    /// Do different seeds give different faces of one description?
    Diversity(diversity::Args),
    /// Do edits change what they name, and nothing else?
    Manipulation(probed::ManipulationArgs),
    /// How close is the distribution of generated faces to that of real faces?
    Fid(fid::Args),
    /// Is a generated face retrieved by its caption?
    Retrieval(retrieval::Args),
    /// Do edits preserve the identity?
    Identity(identity::Args),
}

/// Options of all measurements.
#[derive(Debug, clap::Args)]
struct Common {
    /// First seed
    #[arg(long, value_name = "S", default_value_t = 1 << 40)]
    seed: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        match self.suite {
            Suite::Faithfulness(args) => args.run(),
            Suite::Denials(args) => args.denials(),
            Suite::Languages(args) => args.languages(),
            Suite::Intensity(args) => args.intensity(),
            Suite::Diversity(args) => args.run(),
            Suite::Manipulation(args) => args.run(),
            Suite::Fid(args) => args.run(),
            Suite::Retrieval(args) => args.run(),
            Suite::Identity(args) => args.run(),
        }
    }
}

impl Common {
    fn print<R: Serialize>(&self, report: &R, text: fn(&R) -> String) -> Result<()> {
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{}", serde_json::to_string(report)?)?,
            false => write!(out, "{}", text(report))?,
        }
        Ok(())
    }
}
