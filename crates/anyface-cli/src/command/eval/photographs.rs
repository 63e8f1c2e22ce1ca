//! Captions of held-out photographs or of rendered portraits.

use std::path::PathBuf;

use anyface::Engine;
use anyface_train::eval::Prompt;
use anyhow::{Result, bail};

use super::fid::is_builtin_domain;

/// Source of the captions.
#[derive(Debug, clap::Args)]
pub(super) struct PhotographsArgs {
    /// Training config with a table [photographs]; uses the captions of its held-out photographs.
    /// Default: captions of rendered portraits
    #[arg(long, value_name = "CONFIG")]
    photographs: Option<PathBuf>,
}

impl PhotographsArgs {
    /// Captions of at most `count` photographs, or of an endless series of portraits.
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
                "this bundle draws {}: set --photographs to the training config of its captions",
                engine.config().domain.name()
            ),
        }
    }
}
