//! `anyface interpolate`: the faces between two.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyface::image::{contact_sheet, save_animation};
use anyface::provenance::Seal;
use anyface::{Engine, Generate, Latent};
use anyhow::Result;
use image::RgbImage;

use super::face_source::{FaceSource, PictureArgs};
use super::network::{MarkArgs, NetworkArgs};
use super::output::{ForceArgs, Output};

/// Draw the faces between two
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A description, a picture, a latent, or seed:N
    from: String,
    /// The same
    to: String,
    /// Number of faces, with both ends
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(2..=256))]
    steps: u32,
    /// A .png, .jpg or .webp file for a strip, - for one on stdout, a .gif file for an animation, or a folder
    #[arg(short, long, value_name = "FILE|DIR|-")]
    output: PathBuf,
    #[command(flatten)]
    force: ForceArgs,
    #[command(flatten)]
    mark: MarkArgs,
    #[command(flatten)]
    picture: PictureArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let is_animation = self.output.extension().is_some_and(|e| e == "gif");
        let output = match is_animation {
            true => self.force.check(&self.output).map(|()| None),
            false => Output::new(&self.output, self.force).map(Some),
        }?;
        let engine = self.network.engine()?;
        let signer = self.mark.signer()?;
        let (from, to) = (self.end(&engine, &self.from)?, self.end(&engine, &self.to)?);
        let faces: Vec<RgbImage> = (0..self.steps)
            .map(|i| f64::from(i) / f64::from(self.steps - 1))
            .map(|t| engine.draw(&from.towards(&to, t)))
            .collect();
        let ends = format!("{} → {}", told(&self.from), told(&self.to));
        let mark = self.mark.mark(&engine, &ends, None);
        let Some(mut output) = output else {
            save_animation(&faces, &mark, &self.output)?;
            writeln!(std::io::stdout(), "{}", self.output.display())?;
            return Ok(());
        };
        let pictures = match output {
            Output::Folder(_) => faces,
            _ => vec![contact_sheet(&faces, faces.len())],
        };
        let seal = Seal {
            signer: &signer,
            parent: None,
        };
        for picture in &pictures {
            output.write(picture, &mark, &seal)?;
        }
        output.say(&self.output.display().to_string())
    }

    /// A seed, a file that is there, or a description.
    fn end(&self, engine: &Engine, text: &str) -> Result<Latent> {
        let source: FaceSource = text.parse()?;
        match source {
            FaceSource::File(path) if !path.exists() => {
                let faces = engine.generate(&[text], &Generate::default())?;
                Ok(faces[0].latent.clone())
            }
            source => Ok(source.open(engine, &self.picture)?.0),
        }
    }
}

/// An end as a mark tells it: no path, which would say where somebody keeps pictures.
fn told(end: &str) -> &str {
    match Path::new(end).exists() {
        true => "a file",
        false => end,
    }
}
