//! `anyface edit`: a face changed in words.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyface::image::{contact_sheet, save_marked};
use anyface::photograph::keep_details;
use anyface::{Edit, EditMethod, Engine, Latent, RELEVANCE_THRESHOLD};
use anyhow::{Result, bail};
use serde::Serialize;

use super::background::BackgroundArgs;
use super::face_source::{FaceSource, PictureArgs};
use super::network::{MarkArgs, NetworkArgs};

/// Change a face in words
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The face: a picture, a latent that invert or edit wrote, or seed:N
    #[arg(value_name = "FILE|seed:N")]
    face: FaceSource,
    /// What it is to become; several texts are edits one after another
    #[arg(required_unless_present = "direction")]
    text: Vec<String>,
    /// How much: 0 not at all, 1 as much as the words say, -1 the opposite; any number for --direction and --method directions
    #[arg(
        long,
        value_name = "-1..1",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    strength: f64,
    /// What finds the way from the face to the words
    #[arg(long, value_enum, default_value_t = Method::Mapper)]
    method: Method,
    /// For --method directions: what has less to do with the words stays; 0 changes everything a little
    #[arg(long, value_name = "0..1", default_value_t = RELEVANCE_THRESHOLD)]
    threshold: f64,
    /// For --method optimize: weights of the recogniser MobileFaceNet, which holds who it is, or set ANYFACE_RECOGNIZER
    #[arg(long, value_name = "FILE")]
    recognizer: Option<PathBuf>,
    /// Move the face along a direction from a file in the place of words: of e4e, InterFaceGAN or GANSpace
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "keep", "crossover", "method"])]
    direction: Option<PathBuf>,
    /// Which principal component of a --direction of GANSpace, from 0
    #[arg(long, value_name = "K", requires = "direction")]
    component: Option<usize>,
    /// Words for what must not change; may be given several times
    #[arg(long, value_name = "WORDS")]
    keep: Vec<String>,
    /// Latent layers to change; those that carry what words say when left out
    #[arg(long, value_name = "A..B", value_parser = layers)]
    layers: Option<Range<usize>>,
    /// Replace these layers by those of a face that fits the words, as the paper's release does: for comparison
    #[arg(long, value_name = "FIRST", conflicts_with_all = ["strength", "keep", "layers", "steps", "method"])]
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
    /// PNG file to write
    #[arg(short, long, value_name = "FILE", default_value = "edited.png")]
    output: PathBuf,
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

/// What finds the way from a face to words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// The bundle's mapper
    Mapper,
    /// Optimisation of the face's latent by what CLIP sees, as in StyleCLIP
    Optimize,
    /// Global directions in the style space, as in StyleCLIP, made once by anyface prepare directions
    Directions,
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
        let (styles, layered) = (self.method == Method::Directions, self.layers.is_some());
        if styles && (layered || !self.keep.is_empty()) {
            bail!("--method directions: --threshold says what stays, not --keep or --layers");
        }
        let engine = match self.method {
            Method::Optimize => {
                let engine = self.network.engine()?;
                engine.with_recognizer(self.recognizer.as_deref())?
            }
            Method::Mapper | Method::Directions => self.network.engine()?,
        };
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
        let mut faces = vec![face];
        self.change(&engine, &mut faces)?;
        let edited = faces.pop().expect("the face itself at least");
        let before = faces.pop().unwrap_or_else(|| edited.clone());
        let backdrop = self.background.backdrop(&self.network);
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
                    .map(|part| backdrop.put_behind(&drawn(&before.towards(&edited, part))))
                    .collect::<Vec<_>>();
                contact_sheet(&strip, strip.len())
            }
        };
        let mark = self.mark.mark(&engine, &self.prompt(), self.face.seed());
        save_marked(&picture, &mark, &self.output)?;
        if let Some(path) = &self.latent {
            edited.save(path)?;
        }
        self.report(start.elapsed().as_secs_f64() * 1000.0)
    }

    /// Adds to `faces`, which holds the face as it is, what it becomes by each edit.
    fn change(&self, engine: &Engine, faces: &mut Vec<Latent>) -> Result<()> {
        if let Some(path) = &self.direction {
            let layers = self.layers.clone();
            let direction = engine.load_direction(path, self.component, layers)?;
            faces.push(faces[0].moved(&direction, self.strength));
        }
        for text in &self.text {
            let changed = self.changed(engine, &faces[faces.len() - 1], text)?;
            faces.push(changed);
        }
        Ok(())
    }

    /// A face changed by one text.
    fn changed(&self, engine: &Engine, face: &Latent, text: &str) -> Result<Latent> {
        if let Some(first) = self.crossover {
            return Ok(engine.crossover(face, text, 0, first)?);
        }
        let method = match self.method {
            Method::Mapper => EditMethod::Mapper,
            Method::Optimize => EditMethod::Optimize,
            Method::Directions => {
                return Ok(engine.edit_styles(face, text, self.strength, self.threshold)?);
            }
        };
        let edit = Edit {
            method,
            strength: self.strength,
            keep: self.keep.clone(),
            layers: self.layers.clone(),
        };
        Ok(engine.edit(face, text, &edit)?)
    }

    /// The edits one after another, as the server writes them too.
    fn prompt(&self) -> String {
        let texts = match self.direction.as_deref().and_then(Path::file_stem) {
            Some(direction) => direction.to_string_lossy().into_owned(),
            None => self.text.join(" → "),
        };
        match self.strength {
            1.0 => texts,
            strength => format!("{texts} ({strength:+})"),
        }
    }

    fn report(&self, milliseconds: f64) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let line = Line {
            path: &self.output,
            texts: &self.text,
            strength: self.strength,
            milliseconds,
        };
        match self.json {
            true => writeln!(out, "{}", serde_json::to_string(&line)?)?,
            false => writeln!(out, "{}", self.output.display())?,
        }
        Ok(())
    }
}

/// `A..B`.
fn layers(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let range = ends.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    range.ok_or_else(|| "expected two layers, as in 4..8".to_owned())
}
