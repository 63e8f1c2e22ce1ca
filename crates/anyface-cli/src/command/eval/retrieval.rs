//! `anyface eval retrieval`.

use std::path::PathBuf;

use anyface_train::eval::{CANDIDATES, Prompt, retrieval};
use anyhow::Result;

use super::photographs::PhotographsArgs;
use super::{Common, text};

/// Is a generated face retrieved by its caption?
///
/// R-precision: how often a generated face is closer to its own caption than to each of 99 others,
/// by cosine similarity in the bundle's towers. The reference is the same for real pictures of the
/// captions' faces.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Number of captions; a face is drawn for each
    #[arg(
        long,
        value_name = "N",
        default_value_t = 500,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    samples: u32,
    /// File with at least 100 descriptions, one per line. Default: held-out captions of portraits
    #[arg(long, value_name = "FILE", conflicts_with = "photographs")]
    captions: Option<PathBuf>,
    #[command(flatten)]
    photographs: PhotographsArgs,
    #[command(flatten)]
    common: Common,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let Common { network, seed, .. } = &self.common;
        let samples = self.samples as usize;
        let engine = network.engine()?;
        let prompts: Vec<Prompt> = match &self.captions {
            Some(path) => Prompt::read(path)?,
            None => {
                let prompts = self.photographs.prompts(&engine, usize::MAX, *seed)?;
                Prompt::distinct(prompts)
                    .take(samples.max(CANDIDATES))
                    .collect()
            }
        };
        let report = retrieval(&engine, &prompts, samples, *seed)?;
        self.common.print(&report, text::retrieval)
    }
}
