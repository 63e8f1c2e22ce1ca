//! `anyface edit`: a face changed in words.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyface::image::contact_sheet;
use anyface::photograph::{Photograph, read_mask};
use anyface::provenance::Seal;
use anyface::{Edit, EditMethod, Engine, Latent, RELEVANCE_THRESHOLD};
use anyhow::{Result, bail};
use image::{DynamicImage, GrayImage};
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
    #[arg(required_unless_present = "direction")]
    text: Vec<String>,
    /// How much: 0 not at all, 1 as much as the words say, -1 the opposite; for --direction and
    /// --method directions any number
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
    /// For --method directions: what has less to do with the words stays; 0 changes all a little
    #[arg(long, value_name = "0..1", default_value_t = RELEVANCE_THRESHOLD)]
    threshold: f64,
    /// For --method optimize, and bundles whose mapper optimises: weights of the recogniser
    /// MobileFaceNet, which holds who it is, or set ANYFACE_RECOGNIZER
    #[arg(long, value_name = "FILE")]
    recognizer: Option<PathBuf>,
    /// Move the face along a direction of e4e, InterFaceGAN or GANSpace in the place of words
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
    #[arg(
        long,
        value_name = "FIRST",
        conflicts_with_all = ["strength", "keep", "layers", "steps", "method"]
    )]
    crossover: Option<usize>,
    /// N strengths from 0 to the strength, side by side in one picture
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=64))]
    steps: Option<u32>,
    /// Write the face alone, cut out as the model sees it, and not the whole picture
    #[arg(long)]
    crop: bool,
    /// Let the model draw the whole face anew, as its own character, without the picture's own details
    #[arg(long)]
    as_character: bool,
    /// Change a picture only where this one of the same shape is transparent, or, without transparency, white
    #[arg(long, value_name = "FILE", conflicts_with = "as_character")]
    mask: Option<PathBuf>,
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

/// What finds the way from a face to words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// The bundle's mapper
    Mapper,
    /// Optimisation of the face's latent by what CLIP sees, as in StyleCLIP
    Optimize,
    /// Global directions in the style space, as in StyleCLIP; anyface prepare directions makes them
    Directions,
}

/// A photograph to be changed where its latent changes.
struct Retouch {
    photograph: Photograph,
    latent: Latent,
    mask: Option<GrayImage>,
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
        let mut output = self.output()?;
        let backdrop = self.background.backdrop(&self.network, &output)?;
        let engine = self.network.engine()?;
        let signer = self.mark.signer()?;
        let optimizes = match self.method {
            Method::Optimize => true,
            Method::Mapper => engine.config().optimizes(),
            Method::Directions => false,
        };
        let engine = match optimizes {
            true => engine.with_recognizer(self.recognizer.as_deref())?,
            false => engine,
        };
        let start = Instant::now();
        let (face, photograph) = self.face.open(&engine, &self.picture)?;
        let photograph = photograph.filter(|_| !self.as_character);
        let retouch = self.retouch(photograph, &face)?;
        let mut faces = vec![face];
        self.change(&engine, &mut faces)?;
        let edited = faces.pop().expect("the face itself at least");
        let before = faces.pop().unwrap_or_else(|| edited.clone());
        let drawn = |edited: &Latent, crop| match &retouch {
            None => engine.draw(edited).into(),
            Some(retouch) => retouch.draw(&engine, edited, crop),
        };
        let picture = match self.steps {
            None => backdrop.put_behind(drawn(&edited, self.crop)),
            Some(steps) => {
                let strip = (0..steps)
                    .map(|i| f64::from(i) / f64::from(steps - 1))
                    .map(|part| backdrop.put_behind(drawn(&before.towards(&edited, part), true)))
                    .collect::<Vec<_>>();
                contact_sheet(&strip, strip.len())
            }
        };
        let mark = self.mark.mark(&engine, &self.prompt(), self.face.seed());
        let parent = self.face.parent()?;
        let seal = Seal {
            signer: &signer,
            parent: parent.as_deref(),
        };
        let path = output.write(&picture, &mark, &seal)?;
        if let Some(path) = &self.latent {
            edited.save(path)?;
        }
        let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
        output.say(&self.line(&path, milliseconds)?)
    }

    /// The photograph that keeps its details, where the face comes from one.
    fn retouch(&self, photograph: Option<Photograph>, face: &Latent) -> Result<Option<Retouch>> {
        let Some(photograph) = photograph else {
            return match &self.mask {
                Some(_) => bail!("--mask: the face comes from no picture"),
                None => Ok(None),
            };
        };
        let size = photograph.picture.dimensions();
        let mask = self.mask.as_deref().map(|path| read_mask(path, size));
        Ok(Some(Retouch {
            mask: mask.transpose()?,
            latent: face.clone(),
            photograph,
        }))
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

impl Retouch {
    /// The photograph, or its face alone, as an edit of its latent makes it.
    fn draw(&self, engine: &Engine, edited: &Latent, crop: bool) -> DynamicImage {
        let mask = self.mask.as_ref();
        let face = engine.edit_photo(&self.photograph, &self.latent, edited, mask);
        match crop {
            true => face.after.into(),
            false => self.photograph.paste_back(&face, mask),
        }
    }
}

/// `A..B`.
fn layers(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let range = ends.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    range.ok_or_else(|| "expected two layers, as in 4..8".to_owned())
}
