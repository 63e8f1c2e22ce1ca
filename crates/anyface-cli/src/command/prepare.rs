//! `anyface prepare`: computes data of a bundle that some commands need.

use std::io::Write;

use anyface::bundle::Bundle;
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::network::NetworkArgs;

/// Compute data of a bundle that some commands need
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Directions(DirectionsArgs),
}

/// Compute global directions for edit --method directions: how each style of the generator changes
/// the CLIP features
#[derive(Debug, clap::Args)]
struct DirectionsArgs {
    /// Number of random faces; each is drawn twice per style
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=1000)
    )]
    pictures: u64,
    #[command(flatten)]
    network: NetworkArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        match self.what {
            What::Directions(args) => args.run(),
        }
    }
}

impl DirectionsArgs {
    fn run(self) -> Result<()> {
        let folder = self.network.folder();
        let folder = folder.context("--model: name the bundle to prepare, not the built-in one")?;
        let engine = self.network.engine()?;
        let width = engine.config().generator.style_width();
        // indicatif hides the bar if stderr is not a terminal.
        let bar = ProgressBar::new(width as u64);
        let template = "{wide_bar} {pos} of {len} styles, {eta} left";
        bar.set_style(ProgressStyle::with_template(template).expect("a valid template"));
        let (config, directions) =
            engine.prepare_directions(self.pictures, |done| bar.set_position(done as u64));
        bar.finish_and_clear();
        Bundle::put(&folder, "directions", &config, &directions)?;
        let path = folder.join("directions.safetensors");
        writeln!(std::io::stdout(), "{}  {width} styles", path.display())?;
        Ok(())
    }
}
