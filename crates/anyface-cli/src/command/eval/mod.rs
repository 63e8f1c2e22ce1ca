//! `anyface eval`: measures of a bundle.

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

/// Measure a bundle
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    suite: Suite,
}

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
enum Suite {
    /// Does the face have what the words say?
    Faithfulness(probed::FaithfulnessArgs),
    /// Is what the words deny absent?
    Denials(words::Args),
    /// Are other languages and emoji understood as English is?
    Languages(words::Args),
    /// Do "slightly" and "very" give less and more?
    Intensity(words::Args),
    /// Do different seeds give different faces of one description?
    Diversity(diversity::Args),
    /// Do edits change what they name, and nothing else?
    Manipulation(probed::ManipulationArgs),
    /// How near are generated faces, taken together, to real ones?
    Fid(fid::Args),
    /// Is a face found again by its words?
    Retrieval(retrieval::Args),
    /// Is an edited face still the same person's?
    Identity(identity::Args),
}

/// Options of every suite.
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
