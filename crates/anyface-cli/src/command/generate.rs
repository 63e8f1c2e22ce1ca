//! `anyface generate`: faces from text.

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
    /// Description of the face, in any words
    #[arg(required_unless_present = "prompts", conflicts_with = "prompts")]
    text: Option<String>,
    /// Another caption of the same face; may be given several times
    #[arg(long, value_name = "MORE", requires = "text")]
    caption: Vec<String>,
    /// File with one description per line, or - for stdin; draws -n faces for each
    #[arg(long, value_name = "FILE")]
    prompts: Option<PathBuf>,
    /// Number of faces
    #[arg(
        short = 'n',
        long = "number",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    number: u32,
    /// Face i uses seed S + i
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Draw N candidates for each face and keep the one with the best CLIP score; the candidates of
    /// face i use the seeds from S + i·N on
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    best_of: u64,
    /// Truncation ψ of what the text leaves open, 0 (the mean) to 1 (no truncation). Default: that
    /// of the bundle
    #[arg(long, value_name = "0..1")]
    truncation: Option<f64>,
    /// File for a single face (.png, .jpg or .webp), - for stdout, or folder for numbered files,
    /// which continue after existing ones
    #[arg(short, long, value_name = "FILE|DIR|-", default_value = "faces")]
    output: PathBuf,
    #[command(flatten)]
    force: ForceArgs,
    /// Print one JSON object per face, one per line
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
    /// Words of the prompt that have no effect on the face.
    not_understood: &'a [String],
}

/// One description, encoded.
struct Prompt {
    /// All captions.
    text: String,
    description: Description,
    /// Words that have no effect on the face.
    not_understood: Vec<String>,
}

impl Prompt {
    /// Encodes captions. Prints the words that were not understood on stderr.
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
            bail!("-o - and --json both write to stdout: leave one out");
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

    /// Writes a contact sheet of all faces.
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
        // A sheet of several descriptions has no single prompt.
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
        let path = path.expect("clap requires a text or a file");
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
            bail!("{}: contains no description", path.display());
        }
        Ok(prompts)
    }

    /// The report of a face, for stdout.
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
