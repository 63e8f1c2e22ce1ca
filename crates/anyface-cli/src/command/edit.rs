//! `anyface edit`: changes a face by words.

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

/// Change a face by words
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Face to edit: a picture, a latent that invert or edit wrote, or seed:N
    #[arg(value_name = "FILE|seed:N")]
    face: FaceSource,
    /// Description of the change; several texts are applied one after another
    #[arg(required_unless_present = "direction")]
    text: Vec<String>,
    /// Strength of the edit: 0 changes nothing, 1 applies the text fully, -1 the opposite; any
    /// number with --direction and --method directions
    #[arg(
        long,
        value_name = "-1..1",
        default_value_t = 1.0,
        allow_negative_numbers = true
    )]
    strength: f64,
    /// How the direction of the edit is found
    #[arg(long, value_enum, default_value_t = Method::Mapper)]
    method: Method,
    /// With --method directions: styles that are less relevant to the text stay unchanged; 0
    /// changes all styles
    #[arg(long, value_name = "0..1", default_value_t = RELEVANCE_THRESHOLD)]
    threshold: f64,
    /// With --method optimize, and in bundles whose mapper optimises: weights of the face
    /// recogniser MobileFaceNet, which preserves the identity; or set ANYFACE_RECOGNIZER
    #[arg(long, value_name = "FILE")]
    recognizer: Option<PathBuf>,
    /// Move the latent along a direction of e4e, InterFaceGAN or GANSpace instead of a text
    #[arg(long, value_name = "FILE", conflicts_with_all = ["text", "keep", "crossover", "method"])]
    direction: Option<PathBuf>,
    /// Principal component of a GANSpace --direction, from 0
    #[arg(long, value_name = "K", requires = "direction")]
    component: Option<usize>,
    /// Description of what must not change; may be given several times
    #[arg(long, value_name = "WORDS")]
    keep: Vec<String>,
    /// Latent layers to change. Default: the layers that text controls
    #[arg(long, value_name = "A..B", value_parser = layers)]
    layers: Option<Range<usize>>,
    /// Replace the layers from FIRST on by those of a face generated from the text, as in the
    /// release of the paper; for comparison
    #[arg(
        long,
        value_name = "FIRST",
        conflicts_with_all = ["strength", "keep", "layers", "steps", "method"]
    )]
    crossover: Option<usize>,
    /// Draw N strengths from 0 to the given strength, side by side in one picture
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=64))]
    steps: Option<u32>,
    /// Write only the aligned face instead of the whole picture
    #[arg(long)]
    crop: bool,
    /// Draw the whole face by the model, without the picture's own details
    #[arg(long)]
    as_character: bool,
    /// Mask of the same aspect ratio as the picture. The picture changes only where the mask is
    /// transparent, or white if the mask has no transparency
    #[arg(long, value_name = "FILE", conflicts_with = "as_character")]
    mask: Option<PathBuf>,
    /// File to write (.png, .jpg or .webp), - for stdout, or a folder. Default: edited.png, or the
    /// next free name
    #[arg(short, long, value_name = "FILE|DIR|-")]
    output: Option<PathBuf>,
    #[command(flatten)]
    force: ForceArgs,
    /// Also write the latent of the edited face, for further edits
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

/// How the direction of an edit is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Method {
    /// The bundle's mapper
    Mapper,
    /// Optimisation of the latent by CLIP's similarity to the text, as in StyleCLIP
    Optimize,
    /// Global directions in style space, as in StyleCLIP; `anyface prepare directions` computes
    /// them
    Directions,
}

/// A photograph, which an edit changes only where its latent changes.
struct Retouch {
    photograph: Photograph,
    latent: Latent,
    mask: Option<GrayImage>,
}

/// The output of `--json`.
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
            bail!("--method directions takes --threshold instead of --keep and --layers");
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
        let edited = faces.pop().expect("it contains the face itself");
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

    /// The photograph to edit, if the face comes from one.
    fn retouch(&self, photograph: Option<Photograph>, face: &Latent) -> Result<Option<Retouch>> {
        let Some(photograph) = photograph else {
            return match &self.mask {
                Some(_) => bail!("--mask: the face does not come from a picture"),
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

    /// The destination of the picture. Fails if a file exists and `--force` is not set.
    fn output(&self) -> Result<Output> {
        if let Some(path) = &self.latent {
            self.force.check(path)?;
        }
        let free = || self.force.free("edited", "png");
        let output = Output::new(&self.output.clone().unwrap_or_else(free), self.force)?;
        match self.json && matches!(output, Output::Stdout) {
            true => bail!("-o - and --json both write to stdout: leave one out"),
            false => Ok(output),
        }
    }

    /// Appends the result of each edit to `faces`, which holds the original face.
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

    /// The face after the edit by one text.
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

    /// The prompt of the mark: all edits, in the server's notation.
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

    /// The report of the edit, for stdout.
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
    /// The photograph with the edited face, or the face alone.
    fn draw(&self, engine: &Engine, edited: &Latent, crop: bool) -> DynamicImage {
        let mask = self.mask.as_ref();
        let face = engine.edit_photo(&self.photograph, &self.latent, edited, mask);
        match crop {
            true => face.after.into(),
            false => self.photograph.paste_back(&face, mask),
        }
    }
}

/// Parses `A..B`.
fn layers(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let range = ends.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    range.ok_or_else(|| "expected a range of layers, as in 4..8".to_owned())
}
