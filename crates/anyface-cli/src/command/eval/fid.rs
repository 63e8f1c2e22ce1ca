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

/// How close is the distribution of generated faces to that of real faces?
///
/// Prints the Fréchet and the kernel distance in the features of the bundle's image tower, and in
/// those of the FID's Inception and of MobileFaceNet if their weights are available. The reference
/// next to each distance is that of two sets of real faces.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of real pictures. Default: rendered portraits, for bundles of portraits
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    #[command(flatten)]
    framing: FramingArgs,
    /// Number of faces to draw; at most half the number of real pictures
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    samples: u32,
    /// File with one description per line. Default: held-out captions for portraits, no text for
    /// other bundles
    #[arg(long, value_name = "FILE", conflicts_with = "unprompted")]
    captions: Option<PathBuf>,
    /// Draw faces from seeds, without text
    #[arg(long)]
    unprompted: bool,
    /// Truncation ψ, 0 (the mean) to 1 (no truncation). Default: the truncation of the bundle
    #[arg(long, value_name = "0..1")]
    truncation: Option<f64>,
    /// Weights of the FID's Inception, or set ANYFACE_INCEPTION. Default: those of
    /// `anyface pull fid-inception`
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
                "--images: needs a folder of real pictures, because this bundle draws {}",
                engine.config().domain.name()
            ),
        };
        self.common.print(&report, text::likeness)
    }

    /// The prompts; empty for faces without text.
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

/// Whether the renderer draws faces of this domain.
pub(super) fn is_builtin_domain(engine: &Engine) -> bool {
    engine.config().domain == Domain::Portraits
}

/// Draws face `i`. The prompts are used in turn; without prompts, the face is random.
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
