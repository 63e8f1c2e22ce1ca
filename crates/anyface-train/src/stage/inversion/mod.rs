//! Training of the encoder that inverts pictures to latents.
//!
//! The latent of a portrait is known, so the loss compares latents, and pictures of the generator
//! from them. A photograph has no latent: its loss compares pictures only. Random faces of the
//! generator complete the batch.

mod samples;

use std::path::{Path, PathBuf};

use anyface::bundle::Bundle;
use anyface::identity::IrSeConfig;
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::inversion::{Encoder, EncoderConfig, Method};
use anyface::stylegan2::{Generator, GeneratorConfig, Noise};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use self::samples::Batch;

use crate::bounds;
use crate::data::faces::FaceSplit;
use crate::data::photographs::PhotographsConfig;
use crate::data::portraits::PortraitsConfig;
use crate::error::{Result, TrainError};
use crate::eval::psnr::psnr;
use crate::loss::{check_pyramid, clip_loss, l1, laplacian_pyramid_l1, latent_mse};
use crate::run::{Evaluation, RunConfig, Stage, StepOutput, load_config, train};
use crate::stage::image_features::ImageFeatures;

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InversionConfig {
    /// Bundle folder with the generator. It receives the encoder.
    pub bundle: PathBuf,
    /// The run.
    pub run: RunConfig,
    /// Training portraits.
    pub portraits: Option<PortraitsConfig>,
    /// Training photographs, instead of portraits.
    pub photographs: Option<PhotographsConfig>,
    /// The network.
    pub model: ModelConfig,
    /// Batch size and losses.
    pub learning: LearningConfig,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Channels of the four stages of the backbone.
    pub channels: [usize; 4],
    /// Residual units per stage.
    pub units: [usize; 4],
    /// Channels of the convolutions before a latent layer.
    pub style_width: usize,
    /// Bundle folder with an encoder to start from. Default: random weights.
    pub start: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Pictures per step.
    #[serde(deserialize_with = "bounds::batch")]
    pub batch: usize,
    /// Number of pictures at the end of the batch with a reconstruction loss. Photographs come
    /// last.
    #[serde(deserialize_with = "bounds::positive")]
    pub drawn: usize,
    /// Weight of the mean squared error of latents relative to the picture loss.
    pub latent_weight: f64,
    /// Levels of the Laplacian pyramid in the picture loss.
    pub pyramid_levels: usize,
    /// Weight of the CLIP loss between the image features of a picture and its reconstruction.
    #[serde(default)]
    pub feature_weight: f64,
    /// Number of held-out pictures: the last portraits of the cache, or at most this many held-out
    /// photographs.
    pub held_out: usize,
}

impl InversionConfig {
    /// Checks that the sizes are consistent. The error names the table and the field.
    fn validate(&self) -> std::result::Result<(), String> {
        let ModelConfig {
            channels,
            units,
            style_width,
            ..
        } = &self.model;
        for (name, sizes) in [
            ("channels", &channels[..]),
            ("units", &units[..]),
            ("style_width", std::slice::from_ref(style_width)),
        ] {
            if sizes.contains(&0) {
                return Err(format!("[model] `{name}` must be positive"));
            }
        }
        let LearningConfig { batch, drawn, .. } = self.learning;
        match drawn <= batch {
            true => Ok(()),
            false => Err(format!(
                "[learning] `drawn` is {drawn}, but must be at most `batch`, {batch}"
            )),
        }
    }

    /// Configuration of the encoder for `generator`.
    fn encoder(&self, generator: &GeneratorConfig, resolution: usize) -> EncoderConfig {
        let model = &self.model;
        let backbone = IrSeConfig::new()
            .with_channels(model.channels)
            .with_units(model.units);
        EncoderConfig::new(Method::RestyleE4e, generator.num_ws(), backbone)
            .with_resolution(resolution)
            .with_style_width(model.style_width)
            .with_w_dim(generator.w_dim)
    }

    /// Initial weights.
    fn load_start(&self, encoder: &EncoderConfig, device: &Device) -> Result<Encoder> {
        let fresh = encoder.init(device);
        match &self.model.start {
            None => Ok(fresh),
            Some(bundle) => Ok(Bundle::folder(bundle).network("inversion", fresh)?),
        }
    }
}

/// Columns of the sample picture.
const SAMPLES: usize = 8;

/// Trains an [`Encoder`].
struct InversionStage {
    config: InversionConfig,
    encoder: EncoderConfig,
    faces: FaceSplit,
    generator: Generator,
    /// Copy on the autodiff device, for gradients through the generator.
    differentiable: Generator,
    /// Image tower, if its features have a weight.
    image_features: Option<ImageFeatures>,
}

impl InversionStage {
    /// Loads the generator and opens the pictures.
    fn new(file: &Path, config: InversionConfig, device: &Device) -> Result<Self> {
        let bundle = Bundle::folder(&config.bundle);
        let sizes: GeneratorConfig = bundle.section("generator")?;
        let (portraits, photographs) = (config.portraits.as_ref(), config.photographs.as_ref());
        let faces = FaceSplit::open(file, portraits, photographs, config.learning.held_out)?;
        check_pyramid(config.learning.pyramid_levels, faces.size())
            .map_err(|message| TrainError::config(file, message))?;
        let encoder = config.encoder(&sizes, faces.size());
        let load = |device: &Device| {
            let generator = bundle.network("generator", sizes.init(device))?;
            Ok::<_, anyface::Error>(generator.no_grad())
        };
        let autodiff = device.clone().autodiff();
        let image_features = (config.learning.feature_weight > 0.0)
            .then(|| ImageFeatures::load(&bundle, &autodiff))
            .transpose()?;
        Ok(Self {
            encoder,
            faces,
            generator: load(device)?,
            differentiable: load(&autodiff)?,
            image_features,
            config,
        })
    }

    /// Latents `[N, L, D]` of pictures `[N, 3, R, R]`.
    fn found(&self, encoder: &Encoder, images: Tensor<4>, generator: &Generator) -> Tensor<3> {
        encoder.forward(images) + generator.mapping.w_avg.val().unsqueeze::<3>()
    }
}

impl Stage for InversionStage {
    type Model = Encoder;

    fn init(&self, device: &Device) -> Result<Encoder> {
        self.config.load_start(&self.encoder, device)
    }

    fn step(&mut self, encoder: &Encoder, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let learning = &self.config.learning;
        let generator = &self.differentiable;
        let Batch { images, latents } =
            samples::draw(&self.faces, learning.batch, &self.generator, rng);
        let images = images.autodiff();
        let found = self.found(encoder, images.clone(), generator);

        // Photographs are at the end of the batch.
        let (first, count) = (learning.batch - learning.drawn, learning.drawn);
        let drawn = found.clone().narrow(0, first, count);
        let drawn = generator.synthesis.forward(drawn, Noise::None);
        let truth = images.narrow(0, first, count);
        let picture = l1(drawn.clone(), truth.clone())
            + laplacian_pyramid_l1(drawn.clone(), truth.clone(), learning.pyramid_levels);
        let mut total = picture.clone();
        let mut parts = vec![("picture", picture)];
        if let Some(latents) = latents {
            let known = found.narrow(0, 0, latents.dims()[0]);
            let latent = latent_mse(latents.autodiff(), known);
            total = total + latent.clone() * learning.latent_weight;
            parts.push(("latent", latent));
        }
        if let Some(image_features) = &self.image_features {
            let feature = clip_loss(
                image_features.forward(drawn),
                image_features.forward(truth).detach(),
            );
            total = total + feature.clone() * learning.feature_weight;
            parts.push(("feature", feature));
        }
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        Ok(StepOutput::backward(
            encoder,
            &total,
            &parts,
            learning.batch,
        ))
    }

    fn evaluate(&mut self, ema: &Encoder) -> Result<Evaluation> {
        let count = self.faces.held_out.len();
        let (mut latent, mut squared) = (None, 0.0);
        for start in (0..count).step_by(self.config.learning.batch) {
            let end = (start + self.config.learning.batch).min(count);
            let part = (end - start) as f64 / count as f64;
            let Batch { images, latents } =
                samples::held_out(&self.faces, start..end, &self.generator);
            let found = self.found(ema, images.clone(), &self.generator);
            if let Some(truth) = latents {
                let error = latent_mse(truth, found.clone()).into_scalar::<f64>();
                latent = Some(latent.unwrap_or(0.0) + part * error);
            }
            let drawn = self.generator.synthesis.forward(found, Noise::None);
            let error = (drawn.clamp(-1.0, 1.0) - images) * 0.5;
            squared += part * error.square().mean().into_scalar::<f64>();
        }
        let psnr = psnr(squared);
        let mut metrics = vec![("psnr".to_owned(), psnr)];
        metrics.extend(latent.map(|latent| ("latent".to_owned(), latent)));
        Ok(Evaluation {
            score: psnr,
            metrics,
        })
    }

    /// Rows: the pictures, the generator's output for the true latents (if known), and for the
    /// encoder's latents.
    fn sample(&mut self, ema: &Encoder, path: &Path) -> Result<()> {
        let generator = &self.generator;
        let count = SAMPLES.min(self.faces.held_out.len());
        let Batch { images, latents } = samples::held_out(&self.faces, 0..count, generator);
        let found = self.found(ema, images.clone(), generator);
        let draw = |latents| generator.synthesis.forward(latents, Noise::None);
        let rows = [Some(images), latents.map(draw), Some(draw(found))];
        let images: Vec<_> = rows.into_iter().flatten().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, count), path)?)
    }
}

/// `anyface train inversion`: trains the encoder and puts it into the bundle.
///
/// # Errors
/// As [`load_config`] and [`train`]. The networks of the bundle or the pictures cannot be read, or
/// the bundle cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let path = config;
    let config: InversionConfig = load_config(path)?;
    config
        .validate()
        .map_err(|message| TrainError::config(path, message))?;
    let run = config.run.clone();
    let folder = config.bundle.clone();
    let mut stage = InversionStage::new(path, config, device)?;
    let encoder = train(&mut stage, &run, device, resume)?;
    Ok(Bundle::put(&folder, "inversion", &stage.encoder, &encoder)?)
}
