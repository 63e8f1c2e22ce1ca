//! `anyface invert`: the latent of a picture.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyface::image::Mark;
use anyface::provenance::Seal;
use anyhow::{Context, Result};

use super::credentials::CredentialsArgs;
use super::face_source::PictureArgs;
use super::network::NetworkArgs;
use super::output::ForceArgs;

/// Find the latent of a picture
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Picture of a face
    image: PathBuf,
    /// File to write the latent to. Default: latent.safetensors, or the next free name
    #[arg(short, long, value_name = "LATENT.safetensors")]
    output: Option<PathBuf>,
    /// Also draw the latent to this file, for comparison with the picture
    #[arg(long, value_name = "FILE.png")]
    reconstruction: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArgs,
    #[command(flatten)]
    credentials: CredentialsArgs,
    #[command(flatten)]
    picture: PictureArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let free = || self.force.free("latent", "safetensors");
        let output = self.output.clone().unwrap_or_else(free);
        for file in self.reconstruction.iter().chain([&output]) {
            self.force.check(file)?;
        }
        let engine = self.network.engine()?;
        let photograph = self.picture.open(&engine, &self.image)?;
        let latent = self.picture.invert(&engine, &photograph);
        latent.save(&output)?;
        if let Some(path) = &self.reconstruction {
            let mark = Mark::new(engine.config().domain.name());
            let parent = fs::read(&self.image).with_context(|| self.image.display().to_string())?;
            let seal = Seal {
                signer: &self.credentials.signer()?,
                parent: Some(&parent),
            };
            seal.save(&engine.draw(&latent), &mark, path)?;
        }
        writeln!(std::io::stdout(), "{}", output.display())?;
        Ok(())
    }
}
