//! `anyface train`: trains one network by a config file.

use std::path::PathBuf;

use anyface_train::stage;
use anyhow::Result;

use super::network::DeviceArgs;

/// Train one network of a bundle
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Network to train
    stage: StageName,
    /// Config of the run; the built-in bundle's are in configs/
    #[arg(long, value_name = "FILE.toml")]
    config: PathBuf,
    /// Continue from the last checkpoint
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Networks that can be trained.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum StageName {
    /// Text and image tower, by contrastive learning
    DualEncoder,
    /// Image tower for an existing text tower
    ImageTower,
    /// Generator of rendered portraits, by regression
    Generator,
    /// Generator of photographs and its encoder, with discriminators on frozen features
    Gan,
    /// Encoder from pictures to latents
    Inversion,
    /// Mapper with text and image stream
    Mapper,
    /// Flow-matching prior of latents given text, in place of the streams
    Prior,
    /// clip2latent's prior of latents, from random faces of the generator alone
    Clip2latent,
    /// Attribute probe, for describe and eval
    Probe,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        self.device.limit_threads();
        let device = self.device.device();
        match self.stage {
            StageName::DualEncoder => stage::dual_encoder::run(&self.config, &device, self.resume)?,
            StageName::ImageTower => stage::image_tower::run(&self.config, &device, self.resume)?,
            StageName::Probe => stage::probe::run(&self.config, &device, self.resume)?,
            StageName::Generator => stage::generator::run(&self.config, &device, self.resume)?,
            StageName::Gan => stage::gan::run(&self.config, &device, self.resume)?,
            StageName::Inversion => stage::inversion::run(&self.config, &device, self.resume)?,
            StageName::Mapper => stage::mapper::run(&self.config, &device, self.resume)?,
            StageName::Prior => stage::prior::run(&self.config, &device, self.resume)?,
            StageName::Clip2latent => {
                stage::clip2latent::run(&self.config, &device, self.resume)?;
            }
        }
        Ok(())
    }
}
