//! `anyface edit`: a face changed in words.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyface::image::contact_sheet;
use anyface::photograph::keep_details;
use anyface::{Edit, Engine, Latent};
use anyhow::{Result, bail};
use serde::Serialize;

use super::background::BackgroundArgs;
use super::face_source::{FaceSource, PictureArgs};
use super::network::{MarkArgs, NetworkArgs};
use super::output::{ForceArgs, Output};

/// Change a face in words
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The face: a picture, a latent that invert or edit wrote, or seed:N
    #[arg(value_name = "FILE|seed:N")]
    face: FaceSource,
    /// What it is to become; several texts are edits one after another
    #[arg(required = true)]
    text: Vec<String>,
    /// How much: 0 not at all, 1 as much as the words say, -1 the opposite
    #[arg(
        long,
        value_name = "-1..1",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    strength: f64,
    /// Words for what must not change; may be given several times
    #[arg(long, value_name = "WORDS")]
    keep: Vec<String>,
    /// Latent layers to change; those that carry what words say when left out
    #[arg(long, value_name = "A..B", value_parser = layers)]
    layers: Option<Range<usize>>,
    /// Replace these layers by those of a face that fits the words, as the paper's release does: for comparison
    #[arg(long, value_name = "FIRST", conflicts_with_all = ["strength", "keep", "layers", "steps"])]
    crossover: Option<usize>,
    /// A strip of so many strengths from 0 to the strength, side by side in one picture
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=64))]
    steps: Option<u32>,
    /// Put the changed face back into the picture it was cut out of
    #[arg(long, conflicts_with = "steps")]
    paste_back: bool,
    /// Keep the picture's own details: only what the edit changes is drawn anew, on the picture at its own size
    #[arg(long, conflicts_with = "crossover")]
    details: bool,
    /// File to write (.png, .jpg or .webp), - for stdout, or a folder; edited.png, or the next free name, when left out
    #[arg(short, long, value_name = "FILE|DIR|-")]
    output: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArgs,
    /// Write the latent of the changed face too, for further edits
    #[arg(long, value_name = "LATENT.safetensors")]
    latent: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    background: BackgroundArgs,
    #[command(flatten)]
    mark: MarkArgs,
    #[command(flatten)]
    picture: PictureArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// `--json`.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a Path,
    texts: &'a [String],
    strength: f64,
    milliseconds: f64,
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let mut output = self.output()?;
        let backdrop = self.background.backdrop(&self.network, &output)?;
        let engine = self.network.engine()?;
        let start = Instant::now();
        let (face, photograph) = self.face.open(&engine, &self.picture)?;
        let own = match (self.details, &photograph) {
            (false, _) => None,
            (true, Some(photograph)) => Some((photograph.at_own_size(), engine.draw(&face))),
            (true, None) => bail!("--details: the face comes from no picture"),
        };
        let drawn = |edited: &Latent| match &own {
            None => engine.draw(edited),
            Some((picture, before)) => keep_details(picture, before, &engine.draw(edited)),
        };
        let last = self.text.len() - 1;
        let before = self.text[..last]
            .iter()
            .try_fold(face, |face, text| self.changed(&engine, &face, text, 1.0))?;
        let edited = self.changed(&engine, &before, &self.text[last], 1.0)?;
        let picture = match self.steps {
            None => {
                let face = drawn(&edited);
                let picture = match (self.paste_back, photograph) {
                    (false, _) => face,
                    (true, Some(photograph)) => photograph.paste_back(&face),
                    (true, None) => bail!("--paste-back: the face comes from no picture"),
                };
                backdrop.put_behind(&picture)
            }
            Some(steps) => {
                let strip = (0..steps)
                    .map(|i| f64::from(i) / f64::from(steps - 1))
                    .map(|part| self.changed(&engine, &before, &self.text[last], part))
                    .map(|face| Ok(backdrop.put_behind(&drawn(&face?))))
                    .collect::<Result<Vec<_>>>()?;
                contact_sheet(&strip, strip.len())
            }
        };
        let mark = self.mark.mark(&engine, &self.prompt(), self.face.seed());
        let path = output.write(&picture, &mark)?;
        if let Some(path) = &self.latent {
            edited.save(path)?;
        }
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        output.say(&self.line(&path, milliseconds)?)
    }

    /// Where the picture goes; refuses what would overwrite.
    fn output(&self) -> Result<Output> {
        if let Some(path) = &self.latent {
            self.force.check(path)?;
        }
        let free = || self.force.free("edited", "png");
        let output = Output::new(&self.output.clone().unwrap_or_else(free), self.force)?;
        match self.json && matches!(output, Output::Stdout) {
            true => bail!("-o - and --json: stdout has room for one of them"),
            false => Ok(output),
        }
    }

    /// One edit at a part of the strength.
    fn changed(&self, engine: &Engine, face: &Latent, text: &str, part: f64) -> Result<Latent> {
        if let Some(first) = self.crossover {
            return Ok(engine.crossover(face, text, 0, first)?);
        }
        let edit = Edit {
            strength: self.strength * part,
            keep: self.keep.clone(),
            layers: self.layers.clone(),
        };
        Ok(engine.edit(face, text, &edit)?)
    }

    /// The edits one after another, as the server writes them too.
    fn prompt(&self) -> String {
        let texts = self.text.join(" → ");
        match self.strength {
            1.0 => texts,
            strength => format!("{texts} ({strength:+})"),
        }
    }

    /// What is said of the edit.
    fn line(&self, path: &Path, milliseconds: f64) -> Result<String> {
        let line = Line {
            path,
            texts: &self.text,
            strength: self.strength,
            milliseconds,
        };
        Ok(match self.json {
            true => serde_json::to_string(&line)?,
            false => path.display().to_string(),
        })
    }
}

/// `A..B`.
fn layers(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let range = ends.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    range.ok_or_else(|| "expected two layers, as in 4..8".to_owned())
}
