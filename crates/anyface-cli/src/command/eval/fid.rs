//! `anyface eval fid`.

use std::path::PathBuf;

use anyface::bundle::Domain;
use anyface::{Engine, Truncation};
use anyface_train::TrainError;
use anyface_train::eval::{FeatureExtractor, Prompt, fid, renders};
use anyhow::{Result, bail};
use image::RgbImage;

use super::pictures::{FramingArgs, RecognizerArgs, report_left_out};
use super::{Common, text};

/// How near are generated faces, taken together, to real ones?
///
/// Fréchet and kernel distance, by the FID's Inception where its weights are there, by MobileFaceNet where its are, and by
/// the bundle's image tower. Beside each stands that of as many other real faces: nothing can be nearer.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of real pictures; renders for the built-in domain when left out
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    #[command(flatten)]
    framing: FramingArgs,
    /// Faces to draw; fewer where there are fewer than twice as many pictures
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    samples: u32,
    /// File with one description a line; without, portraits are drawn by held-out captions, others from seeds alone
    #[arg(long, value_name = "FILE", conflicts_with = "unprompted")]
    captions: Option<PathBuf>,
    /// Draw faces from seeds alone
    #[arg(long)]
    unprompted: bool,
    /// How typical the faces are, 0 (the mean) to 1 (as photographs are); the bundle's own when left out
    #[arg(long, value_name = "0..1")]
    truncation: Option<f64>,
    /// Weights of the FID's Inception, or set ANYFACE_INCEPTION, or `anyface pull fid-inception` once
    #[arg(long, value_name = "FILE")]
    inception: Option<PathBuf>,
    #[command(flatten)]
    recognizer: RecognizerArgs,
    #[command(flatten)]
    common: Common,
}

impl Args {
    pub(super) fn run(self) -> Result<()> {
        let Common { network, seed, .. } = &self.common;
        let samples = self.samples as usize;
        let engine = network.engine()?;
        let device = network.device();
        let recognizer = self.recognizer.find(&device)?;
        let mut extractors = Vec::new();
        extractors.extend(FeatureExtractor::inception(
            self.inception.as_deref(),
            &device,
        )?);
        let recognizer = recognizer.as_ref();
        extractors
            .extend(recognizer.map(|found| FeatureExtractor::MobileFaceNet(found, device.clone())));
        extractors.push(FeatureExtractor::ImageTower(&engine));

        let prompts = self.prompts(&engine)?;
        let truncation = engine.truncation(self.truncation)?;
        let mut generated = (0..).map(|i| draw(&engine, &prompts, i, *seed, truncation));
        let side = engine.resolution();
        let report = match &self.images {
            Some(folder) => {
                let mut faces = self.framing.faces(folder, side, *seed)?;
                let report = fid(&extractors, &mut faces, &mut generated, samples, *seed)?;
                report_left_out(&faces);
                report
            }
            None if is_builtin_domain(&engine) => {
                let mut renders = renders(side, *seed).map(Ok);
                fid(&extractors, &mut renders, &mut generated, samples, *seed)?
            }
            None => bail!(
                "--images: a folder of real pictures is needed, this bundle draws {}",
                engine.config().domain.name()
            ),
        };
        self.common.print(&report, text::likeness)
    }

    /// What is asked for; nothing for faces from seeds alone.
    fn prompts(&self, engine: &Engine) -> Result<Vec<Prompt>> {
        match &self.captions {
            Some(path) => Ok(Prompt::read(path)?),
            None if self.unprompted || !is_builtin_domain(engine) => Ok(Vec::new()),
            None => {
                let prompts = Prompt::distinct(Prompt::rendered(self.common.seed));
                Ok(prompts.take(self.samples as usize).collect())
            }
        }
    }
}

/// Whether faces of this bundle can be rendered.
pub(super) fn is_builtin_domain(engine: &Engine) -> bool {
    engine.config().domain == Domain::Portraits
}

/// Face number `i`, by the prompts in turn.
fn draw(
    engine: &Engine,
    prompts: &[Prompt],
    i: usize,
    seed: u64,
    truncation: Truncation,
) -> Result<RgbImage, TrainError> {
    let seed = seed.wrapping_add(i as u64);
    if prompts.is_empty() {
        return Ok(engine.draw(&engine.random_face(seed, truncation)));
    }
    let description = engine.describe(&[&prompts[i % prompts.len()].text])?;
    Ok(engine.face(&description, seed, truncation).image)
}
