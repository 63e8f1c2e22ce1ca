//! `anyface invert`: the latent of a picture.

use std::io::Write;
use std::path::PathBuf;

use anyface::image::save_png;
use anyhow::Result;

use super::network::NetworkArgs;
use super::source::open_picture;

/// Find the latent of a picture
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The picture: one aligned face
    image: PathBuf,
    /// Refine the encoder's answer by so many steps
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    refine: u32,
    /// File to write the latent to
    #[arg(
        short,
        long,
        value_name = "LATENT.safetensors",
        default_value = "latent.safetensors"
    )]
    output: PathBuf,
    /// Draw the latent, to see how close it is
    #[arg(long, value_name = "FILE.png")]
    reconstruction: Option<PathBuf>,
    #[command(flatten)]
    network: NetworkArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let engine = self.network.engine()?;
        let latent = engine.invert(&open_picture(&self.image)?, self.refine as usize)?;
        latent.save(&self.output)?;
        if let Some(path) = &self.reconstruction {
            save_png(&engine.draw(&latent), path)?;
        }
        writeln!(std::io::stdout(), "{}", self.output.display())?;
        Ok(())
    }
}
