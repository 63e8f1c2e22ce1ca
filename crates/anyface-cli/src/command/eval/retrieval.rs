//! `anyface eval retrieval`.

use std::path::PathBuf;

use anyface_train::eval::{CANDIDATES, Prompt, retrieval};
use anyhow::Result;

use super::photographs::PhotographsArgs;
use super::{Common, text};

/// Is a face found again by its words?
///
/// R-precision: how often the caption of a generated face is nearer to it than each of 99 other captions, by the cosine of
/// the bundle's towers; and the same of pictures of the described faces.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Captions to draw a face for
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    samples: u32,
    /// File with one description a line, at least 100; held-out captions of portraits when left out
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
