//! `anyface eval retrieval`.

use std::path::PathBuf;

use anyface_train::eval::{CANDIDATES, Prompt, retrieval};
use anyhow::{Result, bail};

use super::fid::is_builtin_domain;
use super::{Common, text};

/// Is a face found again by its words?
///
/// R-precision: how often the caption of a generated face is nearer to it than each of 99 other captions, by the cosine of
/// the bundle's towers; and the same of renders of the described faces.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Captions to draw a face for
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    samples: u32,
    /// File with one description a line, at least 100; held-out captions of portraits when left out
    #[arg(long, value_name = "FILE")]
    captions: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let Common { network, seed, .. } = &self.common;
        let samples = self.samples as usize;
        let engine = network.engine()?;
        let prompts = match &self.captions {
            Some(path) => Prompt::read(path)?,
            None if is_builtin_domain(&engine) => Prompt::held_out(samples.max(CANDIDATES), *seed),
            None => bail!(
                "--captions: a file of captions is needed, this bundle draws {}",
                engine.config().domain
            ),
        };
        let report = retrieval(&engine, &prompts, samples, *seed)?;
        self.common.print(&report, text::retrieval)
    }
}
