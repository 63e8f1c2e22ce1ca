//! `anyface eval diversity`.

use std::path::PathBuf;

use anyface_train::eval::{Perceptual, diversity};
use anyhow::Result;

use super::{Common, text};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Number of held-out captions; 16 faces are drawn for each
    #[arg(
        long,
        value_name = "N",
        default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    samples: u32,
    /// Weights for LPIPS: torchvision's AlexNet or VGG-16, and the weights of LPIPS for it.
    /// Default: those of `anyface pull alexnet` and `anyface pull lpips-alex`; LPIPS is skipped
    /// without them
    #[arg(long, num_args = 2, value_names = ["FEATURES", "WEIGHTS"])]
    lpips: Vec<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let Common { network, seed, .. } = &self.common;
        let (engine, probe) = (network.engine()?, network.probe()?);
        let perceptual = match self.lpips.as_slice() {
            [features, weights] => Some(Perceptual::open(features, weights, &network.device())?),
            _ => Perceptual::pulled(&network.device())?,
        };
        let samples = self.samples as usize;
        let report = diversity(&engine, &probe, perceptual.as_ref(), samples, *seed)?;
        self.common.print(&report, text::diversity)
    }
}
