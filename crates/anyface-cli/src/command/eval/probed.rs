//! `anyface eval faithfulness` and `manipulation`.

use anyface_train::eval::{faithfulness, manipulation};
use anyhow::Result;

use super::photographs::PhotographsArgs;
use super::{Common, text};

#[derive(Debug, clap::Args)]
pub(super) struct FaithfulnessArgs {
    /// Number of held-out captions; a face is drawn for each
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2000,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    samples: u32,
    #[command(flatten)]
    photographs: PhotographsArgs,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
pub(super) struct ManipulationArgs {
    /// Number of rendered faces to invert and edit
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    samples: u32,
    #[command(flatten)]
    common: Common,
}

impl FaithfulnessArgs {
    pub(super) fn run(self) -> Result<()> {
        let Common { network, seed, .. } = &self.common;
        let (engine, probe) = (network.engine()?, network.probe()?);
        let samples = self.samples as usize;
        let prompts = self.photographs.prompts(&engine, samples, *seed)?;
        let prompts: Vec<_> = prompts.take(samples).collect();
        let report = faithfulness(&engine, &probe, &prompts, *seed)?;
        self.common.print(&report, text::faithfulness)
    }
}

impl ManipulationArgs {
    pub(super) fn run(self) -> Result<()> {
        let Common { network, seed, .. } = &self.common;
        let (engine, probe) = (network.engine()?, network.probe()?);
        let report = manipulation(&engine, &probe, self.samples as usize, *seed)?;
        self.common.print(&report, text::manipulation)
    }
}
