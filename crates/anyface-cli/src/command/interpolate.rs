//! `anyface interpolate`: the faces between two faces.

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

/// Draw the faces between two faces
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// First face: a description, a picture, a latent, or seed:N
    from: String,
    /// Last face, in the same form
    to: String,
    /// Number of faces, including both ends
    #[arg(
        long,
        value_name = "N",
        default_value_t = 7,
        value_parser = clap::value_parser!(u32).range(2..=256)
    )]
    steps: u32,
    /// File for a strip (.png, .jpg or .webp), - for a strip on stdout, .gif file for an animation,
    /// or folder for single pictures
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
        let ends = format!("{} → {}", mark_text(&self.from), mark_text(&self.to));
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

    /// The latent of a seed, of an existing file, or else of a description.
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

/// An end of the interpolation, as text of the mark. It hides paths, which are private.
fn mark_text(end: &str) -> &str {
    match Path::new(end).exists() {
        true => "a file",
        false => end,
    }
}
