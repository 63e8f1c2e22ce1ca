//! `anyface generate`: faces from words.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyface::image::{contact_sheet, save_marked};
use anyface::pipeline::Description;
use anyface::{Engine, GeneratedFace};
use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::background::BackgroundArgs;
use super::network::{MarkArgs, NetworkArgs};

/// Draw faces that fit a description
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the face looks like, in any words
    #[arg(required_unless_present = "prompts", conflicts_with = "prompts")]
    text: Option<String>,
    /// One more caption of the same face; may be given several times
    #[arg(long, value_name = "MORE", requires = "text")]
    caption: Vec<String>,
    /// File with one description a line; -n faces are made for each
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// Number of faces
    #[arg(short = 'n', long = "number", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    number: u32,
    /// Face i uses seed S + i
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// How typical the faces are in what the words leave open, 0 (the mean) to 1; the bundle's own when left out
    #[arg(long, value_name = "0..1")]
    truncation: Option<f64>,
    /// PNG file for a single face, or folder
    #[arg(short, long, value_name = "FILE.png|DIR", default_value = "faces")]
    output: PathBuf,
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
        let prompts = self.prompts()?;
        let total = prompts.len() * self.number as usize;
        let single_file = total == 1 && self.output.extension().is_some_and(|e| e == "png");
        if !single_file && self.output.extension().is_some_and(|e| e == "png") {
            bail!(
                "{}: {total} faces need a folder, not one file",
                self.output.display()
            );
        }
        let engine = self.network.engine()?;
        let truncation = engine.truncation(self.truncation)?;
        let prompts = prompts
            .iter()
            .map(|captions| Prompt::read(&engine, captions))
            .collect::<Result<Vec<_>, _>>()?;

        if !single_file {
            fs::create_dir_all(&self.output)
                .with_context(|| format!("{}", self.output.display()))?;
        }
        let backdrop = self.background.backdrop(&self.network);
        let mut faces = Vec::with_capacity(total);
        for prompt in &prompts {
            for i in 0..u64::from(self.number) {
                let start = Instant::now();
                let face = engine.face(&prompt.description, self.seed.wrapping_add(i), truncation);
                let path = match single_file {
                    true => self.output.clone(),
                    false => self.output.join(format!("{:04}.png", faces.len())),
                };
                let mark = self.mark.mark(&engine, &prompt.text, Some(face.seed));
                let picture = backdrop.put_behind(&face.image);
                save_marked(&picture, &mark, &path)?;
                let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
                self.report(&path, prompt, &face, milliseconds)?;
                faces.push(picture);
            }
        }
        if faces.len() > 1 {
            let columns = match (prompts.len(), self.number) {
                (1, _) | (_, 1) => (faces.len() as f64).sqrt().ceil() as usize,
                (_, number) => number as usize,
            };
            // A sheet of several descriptions has no one prompt.
            let prompt = match &prompts[..] {
                [prompt] => prompt.text.clone(),
                _ => String::new(),
            };
            let mark = self.mark.mark(&engine, &prompt, None);
            let sheet = contact_sheet(&faces, columns);
            save_marked(&sheet, &mark, &self.output.join("sheet.png"))?;
        }
        Ok(())
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
        let path = self
            .prompts
            .as_ref()
            .expect("clap asks for a text or a file");
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
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

    fn report(
        &self,
        path: &Path,
        prompt: &Prompt,
        face: &GeneratedFace,
        milliseconds: f64,
    ) -> Result<()> {
        let mut out = std::io::stdout().lock();
        if self.json {
            let line = Line {
                path,
                seed: face.seed,
                prompt: &prompt.text,
                clip_score: face.clip_score,
                milliseconds,
                not_understood: &prompt.not_understood,
            };
            writeln!(out, "{}", serde_json::to_string(&line)?)?;
        } else {
            writeln!(
                out,
                "{}  seed {}  clip score {:.3}",
                path.display(),
                face.seed,
                face.clip_score
            )?;
        }
        Ok(())
    }
}
