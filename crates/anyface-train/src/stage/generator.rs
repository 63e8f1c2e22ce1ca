//! Training of the built-in generator by regression on rendered portraits.
//!
//! `z` is the code of a face, which determines the render. The network can thus learn the render
//! directly, without a discriminator.
//!
//! Style mixing is exact. The layers from `k` on get `f(z)`. The layers below `k` get `f(z')`,
//! where `z'` has the coarse part of this face and the fine part of another one. The target is the
//! render of `z`. The layers below `k` therefore cannot carry attributes that captions name. The
//! layers from `k` on do carry the coarse part, and the text stream reads it from `w_c`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyface::bundle::Bundle;
use anyface::bundle::{Domain, ZDistribution};
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast, mix};
use anyface_portraits::CODE_DIM;
use anyface_portraits::latent::{self, LATENT_DIM};
use burn::tensor::{Device, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

use super::attribute_loss::{AttributeLoss, AttributeLossConfig};
use crate::bounds;
use crate::data::portraits::{PortraitCache, PortraitsConfig, build_cache, codes};
use crate::error::{Result, TrainError};
use crate::eval::psnr::psnr;
use crate::loss::{check_pyramid, l1, laplacian_pyramid_l1};
use crate::run::{Evaluation, RunConfig, Stage, StepOutput, has_table, load_config, train};

/// A configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorStageConfig {
    /// The run.
    pub run: RunConfig,
    /// Bundle folder that receives the generator.
    pub bundle: PathBuf,
    /// Training portraits.
    pub portraits: PortraitsConfig,
    /// The network.
    pub model: ModelConfig,
    /// Batch size and losses.
    pub learning: LearningConfig,
    /// Attribute loss for small features that hardly change a pixel loss. Default: none.
    #[serde(alias = "critic")]
    pub attribute_loss: Option<AttributeLossConfig>,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Width of `w`, D.
    pub w_dim: usize,
    /// Channels at 4×4, 8×8, … up to the size of the portraits.
    pub channels: Vec<usize>,
    /// Number of layers of the mapping network.
    pub mapping_layers: usize,
    /// Learning rate multiplier of the mapping network.
    pub lr_multiplier: f64,
    /// Bundle folder with a generator to start from. Default: random weights.
    pub start: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Portraits per step.
    #[serde(deserialize_with = "bounds::batch")]
    pub batch: usize,
    /// Fraction of the batch with mixed styles.
    #[serde(deserialize_with = "bounds::fraction")]
    pub mixing: f64,
    /// First latent layer that carries the attributes of captions, k.
    pub mixing_layer: usize,
    /// Number of portraits at the end of the cache held out for evaluation.
    pub held_out: usize,
    /// Levels of the Laplacian pyramid in the loss.
    pub pyramid_levels: usize,
}

impl GeneratorStageConfig {
    /// Configuration of the network.
    pub fn generator(&self) -> GeneratorConfig {
        let model = &self.model;
        GeneratorConfig::new(CODE_DIM, model.w_dim, model.channels.clone())
            .with_mapping_layers(model.mapping_layers)
            .with_lr_multiplier(model.lr_multiplier)
            .with_normalize_z(false)
    }

    /// Initial weights.
    fn load_start(&self, device: &Device) -> Result<Generator> {
        let fresh = self.generator().init(device);
        match &self.model.start {
            None => Ok(fresh),
            Some(bundle) => Ok(Bundle::folder(bundle).network("generator", fresh)?),
        }
    }

    /// Checks that the settings are consistent. The error names the table and the field.
    fn validate(&self) -> std::result::Result<(), String> {
        let generator = self.generator();
        generator
            .validate()
            .map_err(|error| format!("[model]: {error}"))?;
        let (resolution, size) = (generator.resolution(), self.portraits.size as usize);
        if resolution != size {
            return Err(format!(
                "[model] `channels` gives {resolution} pixels, but [portraits] `size` is {size}"
            ));
        }
        check_pyramid(self.learning.pyramid_levels, size)?;
        if self.learning.held_out >= self.portraits.count {
            return Err("[learning] `held_out` leaves no training portraits".to_owned());
        }
        Ok(())
    }
}

/// Trains a [`Generator`].
pub struct GeneratorStage {
    config: GeneratorStageConfig,
    portraits: PortraitCache,
    /// Attribute loss, on the autodiff device.
    attribute_loss: Option<AttributeLoss>,
}

/// Columns of the sample picture.
const SAMPLES: usize = 8;
/// Number of latents for the mean latent `w_avg`.
const W_AVG_LATENTS: usize = 8192;

impl GeneratorStage {
    /// Opens the portraits and renders missing ones.
    ///
    /// # Errors
    /// As [`build_cache`] and [`PortraitCache::open`], or the attribute loss cannot be loaded.
    pub fn new(config: GeneratorStageConfig, device: &Device) -> Result<Self> {
        let attribute_loss = config.attribute_loss.as_ref();
        let attribute_loss =
            attribute_loss.map(|attribute_loss| attribute_loss.load(&device.clone().autodiff()));
        build_cache(&config.portraits)?;
        Ok(Self {
            attribute_loss: attribute_loss.transpose()?,
            portraits: PortraitCache::open(&config.portraits.cache)?,
            config,
        })
    }

    /// Images `[N, 3, R, R]` of the portraits `indices`. Where `other` has a different portrait,
    /// the styles are mixed with it.
    fn forward(&self, model: &Generator, indices: &[usize], other: &[usize]) -> Tensor<4> {
        let device = model.synthesis.input.device();
        let latent = |&index: &usize| self.portraits.latent(index);
        let mixed = |(this, other)| latent::mix(latent(this), latent(other));
        let styles = |latents: Vec<[f32; LATENT_DIM]>| {
            let w = model.mapping.forward(codes(&latents, &device));
            broadcast(w, model.synthesis.num_ws())
        };
        let w_plus = mix(
            styles(indices.iter().zip(other).map(mixed).collect()),
            styles(indices.iter().map(|index| *latent(index)).collect()),
            self.config.learning.mixing_layer,
        );
        model.synthesis.forward(w_plus, Noise::None)
    }

    /// Mean L1 and PSNR (dB, for values in [0, 1]) over the held-out portraits.
    fn measure(&self, model: &Generator, other: impl Fn(usize) -> usize) -> (f64, f64) {
        let held_out: Vec<usize> = self.held_out().collect();
        let (mut absolute, mut squared) = (0.0, 0.0);
        for batch in held_out.chunks(self.config.learning.batch) {
            let others: Vec<usize> = batch.iter().map(|&index| other(index)).collect();
            let output = self.forward(model, batch, &others).clamp(-1.0, 1.0);
            let error = (output.clone() - self.portraits.images(batch, &output.device())) * 0.5;
            let part = batch.len() as f64 / held_out.len() as f64;
            absolute += part * error.clone().abs().mean().into_scalar::<f64>();
            squared += part * error.square().mean().into_scalar::<f64>();
        }
        (absolute, psnr(squared))
    }

    /// Indices of the training portraits.
    fn training(&self) -> Range<usize> {
        0..self.portraits.len() - self.config.learning.held_out
    }

    /// Indices of the held-out portraits.
    fn held_out(&self) -> Range<usize> {
        self.training().end..self.portraits.len()
    }

    /// The held-out portrait after `index`, for style mixing.
    fn partner(&self, index: usize) -> usize {
        let held_out = self.held_out();
        held_out.start + (index - held_out.start + 1) % held_out.len()
    }
}

impl Stage for GeneratorStage {
    type Model = Generator;

    fn init(&self, device: &Device) -> Result<Generator> {
        self.config.load_start(device)
    }

    fn step(&mut self, model: &Generator, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let learning = &self.config.learning;
        let draw = |rng: &mut ChaCha8Rng| rng.random_range(self.training());
        let indices: Vec<usize> = (0..learning.batch).map(|_| draw(rng)).collect();
        let other: Vec<usize> = indices
            .iter()
            .map(|&index| match rng.random_bool(learning.mixing) {
                true => draw(rng),
                false => index,
            })
            .collect();
        let output = self.forward(model, &indices, &other);
        let target = self.portraits.images(&indices, &output.device());
        let pixels = l1(output.clone(), target.clone());
        let pyramid = laplacian_pyramid_l1(output.clone(), target.clone(), learning.pyramid_levels);
        let mut total = pixels.clone() + pyramid.clone();
        let mut parts = vec![("l1", pixels), ("pyramid", pyramid)];
        if let Some(attribute_loss) = &self.attribute_loss {
            let (loss, seen) = attribute_loss.compare(output, target);
            total = total + loss;
            parts.extend(seen);
        }
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        Ok(StepOutput::backward(model, &total, &parts, learning.batch))
    }

    fn refresh(&self, mut ema: Generator) -> Generator {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let latents: Vec<_> = (0..W_AVG_LATENTS)
            .map(|_| latent::sample(&mut rng))
            .collect();
        let z = codes(&latents, &ema.synthesis.input.device());
        let w = ema.mapping.forward(z);
        ema.mapping.track_w_avg(w, 0.0);
        ema
    }

    fn evaluate(&mut self, ema: &Generator) -> Result<Evaluation> {
        let (l1, psnr) = self.measure(ema, |index| index);
        let (mixed_l1, mixed_psnr) = self.measure(ema, |index| self.partner(index));
        let metrics = [
            ("l1", l1),
            ("psnr", psnr),
            ("mixed_l1", mixed_l1),
            ("mixed_psnr", mixed_psnr),
        ];
        Ok(Evaluation {
            score: mixed_psnr,
            metrics: metrics
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
        })
    }

    /// Rows: the renders, the generated portraits, and the portraits with mixed styles.
    fn sample(&mut self, ema: &Generator, path: &Path) -> Result<()> {
        let indices: Vec<usize> = self.held_out().take(SAMPLES).collect();
        let partners: Vec<usize> = indices.iter().map(|&index| self.partner(index)).collect();
        let device = ema.synthesis.input.device();
        let rows = [
            self.portraits.images(&indices, &device),
            self.forward(ema, &indices, &indices),
            self.forward(ema, &indices, &partners),
        ];
        let images: Vec<_> = rows.into_iter().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, SAMPLES), path)?)
    }
}

/// `anyface train generator`: trains the generator and puts it into the bundle.
///
/// # Errors
/// As [`load_config`], [`GeneratorStage::new`] and [`train`], or the bundle cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let path = config;
    if has_table(path, "images") {
        let message = "[images]: use `anyface train gan` to train a generator on pictures";
        return Err(TrainError::config(path, message));
    }
    let config: GeneratorStageConfig = load_config(path)?;
    config
        .validate()
        .map_err(|message| TrainError::config(path, message))?;
    let mut stage = GeneratorStage::new(config.clone(), device)?;
    let generator = train(&mut stage, &config.run, device, resume)?;
    Bundle::put(&config.bundle, "generator", &config.generator(), &generator)?;
    Bundle::put_section(&config.bundle, "domain", &Domain::Portraits)?;
    Ok(Bundle::put_section(
        &config.bundle,
        "z_distribution",
        &ZDistribution::Portraits,
    )?)
}
