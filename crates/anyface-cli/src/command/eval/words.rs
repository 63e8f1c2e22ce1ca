//! `anyface eval denials`, `languages` and `intensity`.

use anyface::Engine;
use anyface_train::eval::{denials, intensity, languages};
use anyhow::{Result, bail};

use super::fid::is_builtin_domain;
use super::{Common, text};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Number of captions, for each language; number of seeds for intensity
    #[arg(
        long,
        value_name = "N",
        default_value_t = 300,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    samples: u32,
    #[command(flatten)]
    common: Common,
}

impl Args {
    pub(super) fn denials(self) -> Result<()> {
        let (engine, probe) = (self.engine()?, self.common.network.probe()?);
        let report = denials(&engine, &probe, self.samples as usize, self.common.seed)?;
        self.common.print(&report, text::words)
    }

    pub(super) fn languages(self) -> Result<()> {
        let (engine, probe) = (self.engine()?, self.common.network.probe()?);
        let report = languages(&engine, &probe, self.samples as usize, self.common.seed)?;
        self.common.print(&report, text::words)
    }

    pub(super) fn intensity(self) -> Result<()> {
        let (engine, probe) = (self.engine()?, self.common.network.probe()?);
        let report = intensity(&engine, &probe, self.samples as usize, self.common.seed)?;
        self.common.print(&report, text::intensity)
    }

    /// The engine. An error if the bundle does not draw portraits, which the captions describe.
    fn engine(&self) -> Result<Engine> {
        let engine = self.common.network.engine()?;
        if !is_builtin_domain(&engine) {
            bail!(
                "this bundle draws {}, but the captions of this measurement describe portraits",
                engine.config().domain.name()
            );
        }
        Ok(engine)
    }
}
