//! The encoder that finds the latent of a picture.
//!
//! A portrait comes with the latent that it was rendered from, so the encoder learns latents directly; the picture
//! that the generator makes of its answer says which errors of a latent can be seen.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyface::identity::IrSeConfig;
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::inversion::{Encoder, EncoderConfig, Method};
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast};
use anyface::weights::Bundle;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use crate::data::portraits::{PortraitCache, PortraitsConfig, build_cache, codes};
use crate::error::Result;
use crate::loss::{l1, laplacian_pyramid_l1, latent_mse};
use crate::run::{Evaluation, RunConfig, Stage, StepOutput, load_config, train};

/// A whole configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InversionConfig {
    /// Folder of the bundle that has the generator and is given the encoder.
    pub bundle: PathBuf,
    /// The run.
    pub run: RunConfig,
    /// The portraits to learn from.
    pub portraits: PortraitsConfig,
    /// The network.
    pub model: ModelConfig,
    /// The batches and the loss.
    pub learning: LearningConfig,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Channels of the four stages of the backbone.
    pub channels: [usize; 4],
    /// Residual units of each stage.
    pub units: [usize; 4],
    /// Channels of the convolutions that lead to a latent layer.
    pub style_width: usize,
    /// Folder of a bundle whose encoder to start from; fresh weights without.
    pub start: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Portraits in a step.
    pub batch: usize,
    /// How many of them are drawn again by the generator.
    pub drawn: usize,
    /// Weight of the latent's squared error against the error of the picture.
    pub latent_weight: f64,
    /// Bands of the Laplacian pyramid in the loss of the picture.
    pub pyramid_levels: usize,
    /// The last so many portraits of the cache are for evaluation only.
    pub held_out: usize,
}

impl InversionConfig {
    /// The sizes of the network that finds latents of `generator`.
    fn encoder(&self, generator: &GeneratorConfig) -> EncoderConfig {
        let model = &self.model;
        let backbone = IrSeConfig::new()
            .with_channels(model.channels)
            .with_units(model.units);
        EncoderConfig::new(Method::RestyleE4e, generator.num_ws(), backbone)
            .with_resolution(self.portraits.size as usize)
            .with_style_width(model.style_width)
            .with_w_dim(generator.w_dim)
    }

    /// The weights to start from.
    fn load_start(&self, encoder: &EncoderConfig, device: &Device) -> Result<Encoder> {
        let fresh = encoder.init(device);
        match &self.model.start {
            None => Ok(fresh),
            Some(bundle) => Ok(Bundle::folder(bundle).network("inversion", fresh)?),
        }
    }
}

/// Portraits of a sample picture, one a column.
const SAMPLES: usize = 8;

/// Trains an [`Encoder`].
struct InversionStage {
    config: InversionConfig,
    encoder: EncoderConfig,
    portraits: PortraitCache,
    generator: Generator,
    /// On the training device, for gradients through the picture.
    differentiable: Generator,
}

impl InversionStage {
    /// Loads the generator and opens the portraits, rendering them first where the cache is not complete.
    fn new(config: InversionConfig, device: &Device) -> Result<Self> {
        let bundle = Bundle::folder(&config.bundle);
        let sizes: GeneratorConfig = bundle.section("generator")?;
        let encoder = config.encoder(&sizes);
        config.load_start(&encoder, device)?;
        build_cache(&config.portraits)?;
        let load = |device: &Device| {
            let generator = bundle.network("generator", sizes.init(device))?;
            Ok::<_, anyface::Error>(generator.no_grad())
        };
        Ok(Self {
            encoder,
            portraits: PortraitCache::open(&config.portraits.cache)?,
            generator: load(device)?,
            differentiable: load(&device.clone().autodiff())?,
            config,
        })
    }

    fn held_out(&self) -> Range<usize> {
        self.portraits.len() - self.config.learning.held_out..self.portraits.len()
    }

    /// Latents `[N, L, D]` that the portraits were rendered from.
    fn latents(&self, batch: &[usize], generator: &Generator) -> Tensor<3> {
        let z: Vec<_> = batch.iter().map(|&i| *self.portraits.latent(i)).collect();
        let device = generator.synthesis.input.device();
        let w = generator.mapping.forward(codes(&z, &device));
        broadcast(w, self.encoder.num_ws)
    }

    /// Latents `[N, L, D]` that the encoder finds for pictures `[N, 3, R, R]`.
    fn found(&self, encoder: &Encoder, images: Tensor<4>, generator: &Generator) -> Tensor<3> {
        encoder.forward(images) + generator.mapping.w_avg.val().unsqueeze::<3>()
    }
}

impl Stage for InversionStage {
    type Model = Encoder;

    fn init(&self, device: &Device) -> Encoder {
        self.config
            .load_start(&self.encoder, device)
            .expect("the weights that could be loaded before")
    }

    fn step(&mut self, encoder: &Encoder, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let learning = &self.config.learning;
        let generator = &self.differentiable;
        let batch: Vec<usize> = (0..learning.batch)
            .map(|_| rng.random_range(0..self.held_out().start))
            .collect();
        let images = self
            .portraits
            .images(&batch, &generator.synthesis.input.device());
        let found = self.found(encoder, images.clone(), generator);
        let latent = latent_mse(self.latents(&batch, generator), found.clone());

        let drawn = generator
            .synthesis
            .forward(found.narrow(0, 0, learning.drawn), Noise::None);
        let truth = images.narrow(0, 0, learning.drawn);
        let picture = l1(drawn.clone(), truth.clone())
            + laplacian_pyramid_l1(drawn, truth, learning.pyramid_levels);
        let total = latent.clone() * learning.latent_weight + picture.clone();
        let parts = [("latent", &latent), ("picture", &picture)];
        Ok(StepOutput::backward(
            encoder,
            &total,
            &parts,
            learning.batch,
        ))
    }

    fn evaluate(&mut self, average: &Encoder) -> Result<Evaluation> {
        let held_out: Vec<usize> = self.held_out().collect();
        let device = self.generator.synthesis.input.device();
        let (mut latent, mut squared) = (0.0, 0.0);
        for batch in held_out.chunks(self.config.learning.batch) {
            let images = self.portraits.images(batch, &device);
            let found = self.found(average, images.clone(), &self.generator);
            let part = batch.len() as f64 / held_out.len() as f64;
            let truth = self.latents(batch, &self.generator);
            latent += part * latent_mse(truth, found.clone()).into_scalar::<f64>();
            let drawn = self.generator.synthesis.forward(found, Noise::None);
            let error = (drawn.clamp(-1.0, 1.0) - images) * 0.5;
            squared += part * error.square().mean().into_scalar::<f64>();
        }
        let psnr = -10.0 * squared.log10();
        Ok(Evaluation {
            score: psnr,
            metrics: vec![("latent".to_owned(), latent), ("psnr".to_owned(), psnr)],
        })
    }

    /// Three rows: the renders, what the generator makes of their latents, and of those that the encoder finds.
    fn sample(&mut self, average: &Encoder, path: &Path) -> Result<()> {
        let batch: Vec<usize> = self.held_out().take(SAMPLES).collect();
        let generator = &self.generator;
        let images = self
            .portraits
            .images(&batch, &generator.synthesis.input.device());
        let draw = |latents| generator.synthesis.forward(latents, Noise::None);
        let rows = [
            images.clone(),
            draw(self.latents(&batch, generator)),
            draw(self.found(average, images, generator)),
        ];
        let images: Vec<_> = rows.into_iter().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, SAMPLES), path)?)
    }
}

/// `anyface train inversion`: trains the encoder of a configuration file and puts it into the bundle.
///
/// # Errors
/// As [`load_config`] and [`train`]; the bundle's generator or the portraits cannot be read; the bundle cannot be
/// written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let config: InversionConfig = load_config(config)?;
    let run = config.run.clone();
    let folder = config.bundle.clone();
    let mut stage = InversionStage::new(config, device)?;
    let encoder = train(&mut stage, &run, device, resume)?;
    Ok(Bundle::put(&folder, "inversion", &stage.encoder, &encoder)?)
}
