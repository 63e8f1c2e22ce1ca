//! `anyface generate`: faces from words.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fs, io};

use anyface::image::contact_sheet;
use anyface::pipeline::Description;
use anyface::provenance::Seal;
use anyface::{Engine, GeneratedFace};
use anyhow::{Context, Result, bail};
use image::RgbaImage;
use serde::Serialize;

use super::background::BackgroundArgs;
use super::network::{MarkArgs, NetworkArgs};
use super::output::{ForceArgs, Output};

/// Draw faces that fit a description
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the face looks like, in any words
    #[arg(required_unless_present = "prompts", conflicts_with = "prompts")]
    text: Option<String>,
    /// One more caption of the same face; may be given several times
    #[arg(long, value_name = "MORE", requires = "text")]
    caption: Vec<String>,
    /// File with one description a line, or - for stdin; -n faces are made for each
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// Number of faces
    #[arg(short = 'n', long = "number", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    number: u32,
    /// Face i uses seed S + i
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Draw N candidates for each face and keep the one with the best CLIP score; face i tries the
    /// seeds from S + i·N on
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    best_of: u64,
    /// How typical the faces are in what the words leave open, 0 (the mean) to 1; the bundle's own when left out
    #[arg(long, value_name = "0..1")]
    truncation: Option<f64>,
    /// File for a single face (.png, .jpg or .webp), - for stdout, or folder, whose numbering goes on
    #[arg(short, long, value_name = "FILE|DIR|-", default_value = "faces")]
    output: PathBuf,
    #[command(flatten)]
    force: ForceArgs,
    /// Print one JSON object a line for each face
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    background: BackgroundArgs,
    #[command(flatten)]
    mark: MarkArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    path: &'a Path,
    seed: u64,
    prompt: &'a str,
    clip_score: f32,
    milliseconds: f64,
    /// Words of the prompt that do not bear on the face.
    not_understood: &'a [String],
}

/// What is to be drawn.
struct Prompt {
    /// All captions.
    text: String,
    description: Description,
    /// Words that do not bear on the face.
    not_understood: Vec<String>,
}

impl Prompt {
    /// Reads captions, and says which of their words were not understood.
    fn read(engine: &Engine, captions: &[String]) -> Result<Self, anyface::Error> {
        let description = engine.describe(captions)?;
        let spans = engine.spans(captions)?.into_iter();
        let unclear = spans.filter(|span| !span.is_understood);
        let not_understood: Vec<String> = unclear.map(|span| span.text).collect();
        if !not_understood.is_empty() {
            eprintln!("not understood: {}", not_understood.join(", "));
        }
        Ok(Self {
            text: captions.join(" "),
            description,
            not_understood,
        })
    }
}

impl Args {
    pub(crate) fn run(self) -> Result<()> {
        let mut output = Output::new(&self.output, self.force)?;
        if self.json && matches!(output, Output::Stdout) {
            bail!("-o - and --json: stdout has room for one of them");
        }
        let prompts = self.prompts()?;
        let total = prompts.len() * self.number as usize;
        output.check_number(total)?;
        let backdrop = self.background.backdrop(&self.network, &output)?;
        let engine = self.network.engine()?;
        let signer = self.mark.signer()?;
        let seal = Seal {
            signer: &signer,
            parent: None,
        };
        let truncation = engine.truncation(self.truncation)?;
        let prompts = prompts
            .iter()
            .map(|captions| Prompt::read(&engine, captions))
            .collect::<Result<Vec<_>, _>>()?;

        let mut faces = Vec::with_capacity(total);
        for prompt in &prompts {
            for i in 0..u64::from(self.number) {
                let start = Instant::now();
                let seed = self.seed.wrapping_add(i * self.best_of);
                let face = engine.best_face(&prompt.description, seed, self.best_of, truncation);
                let mark = self.mark.mark(&engine, &prompt.text, Some(face.seed));
                let picture = backdrop.put_behind(face.image.clone().into());
                let path = output.write(&picture, &mark, &seal)?;
                let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
                output.say(&self.line(&path, prompt, &face, milliseconds)?)?;
                faces.push(picture);
            }
        }
        match output {
            Output::Folder(folder) if faces.len() > 1 => {
                self.save_sheet(&engine, &prompts, &faces, &seal, &folder.sheet())
            }
            _ => Ok(()),
        }
    }

    /// Writes all faces side by side.
    fn save_sheet(
        &self,
        engine: &Engine,
        prompts: &[Prompt],
        faces: &[RgbaImage],
        seal: &Seal<'_>,
        path: &Path,
    ) -> Result<()> {
        let columns = match (prompts.len(), self.number) {
            (1, _) | (_, 1) => (faces.len() as f64).sqrt().ceil() as usize,
            (_, number) => number as usize,
        };
        // A sheet of several descriptions has no one prompt.
        let prompt = match prompts {
            [prompt] => prompt.text.clone(),
            _ => String::new(),
        };
        let mark = self.mark.mark(engine, &prompt, None);
        Ok(seal.save(&contact_sheet(faces, columns), &mark, path)?)
    }

    /// The captions of every description.
    fn prompts(&self) -> Result<Vec<Vec<String>>> {
        if let Some(text) = &self.text {
            let captions = std::iter::once(text)
                .chain(&self.caption)
                .cloned()
                .collect();
            return Ok(vec![captions]);
        }
        let path = self.prompts.as_deref();
        let path = path.expect("clap asks for a text or a file");
        let text = match path == Path::new("-") {
            true => io::read_to_string(io::stdin()),
            false => fs::read_to_string(path),
        };
        let text = text.with_context(|| path.display().to_string())?;
        let prompts: Vec<_> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(|line| vec![line.to_owned()])
            .collect();
        if prompts.is_empty() {
            bail!("{}: no description in it", path.display());
        }
        Ok(prompts)
    }

    /// What is said of a face.
    fn line(
        &self,
        path: &Path,
        prompt: &Prompt,
        face: &GeneratedFace,
        milliseconds: f64,
    ) -> Result<String> {
        let line = Line {
            path,
            seed: face.seed,
            prompt: &prompt.text,
            clip_score: face.clip_score,
            milliseconds,
            not_understood: &prompt.not_understood,
        };
        Ok(match self.json {
            true => serde_json::to_string(&line)?,
            false => format!(
                "{}  seed {}  clip score {:.3}",
                path.display(),
                face.seed,
                face.clip_score
            ),
        })
    }
}
