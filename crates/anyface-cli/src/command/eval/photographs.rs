//! Photographs that training held out.

use std::path::PathBuf;

use anyface::Engine;
use anyface_train::eval::Prompt;
use anyhow::{Result, bail};

use super::fid::is_builtin_domain;

/// Which faces are described.
#[derive(Debug, clap::Args)]
pub(super) struct PhotographsArgs {
    /// Training configuration whose held-out photographs are described, by its table [photographs]; portraits of the
    /// built-in domain when left out
    #[arg(long, value_name = "CONFIG")]
    photographs: Option<PathBuf>,
}

impl PhotographsArgs {
    /// Captions of `count` photographs at most, or of portraits without end.
    pub(super) fn prompts(
        &self,
        engine: &Engine,
        count: usize,
        seed: u64,
    ) -> Result<Box<dyn Iterator<Item = Prompt>>> {
        match &self.photographs {
            Some(config) => {
                let prompts = Prompt::photographed(config, count, seed)?;
                Ok(Box::new(prompts.into_iter()))
            }
            None if is_builtin_domain(engine) => Ok(Box::new(Prompt::rendered(seed))),
            None => bail!(
                "this bundle draws {}: name the configuration of its captions with --photographs",
                engine.config().domain.name()
            ),
        }
    }
}
