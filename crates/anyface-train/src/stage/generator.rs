//! The generator of the built-in domain, by regression on rendered portraits.
//!
//! `z` is the code of a face, all there is to see of it, so the network can learn the render itself: no
//! discriminator, and a loss that says how far there is to go. Style mixing is exact: the layers from `k` on get
//! `f(z)`, those below get `f(z')` of a face with the coarse part of this one and the fine part of another, and
//! the target is the render of `z`. So the layers below `k` cannot carry anything that a caption names. (Those from
//! `k` on do know the coarse part: the text stream reads it from `w_c`.)

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

/// A whole configuration file of this stage.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorStageConfig {
    /// The run.
    pub run: RunConfig,
    /// Folder of the bundle that is given the network.
    pub bundle: PathBuf,
    /// The portraits to learn.
    pub portraits: PortraitsConfig,
    /// The network.
    pub model: ModelConfig,
    /// The batches and the loss.
    pub learning: LearningConfig,
    /// A probe that tells what pixels do not; none without.
    #[serde(alias = "critic")]
    pub attribute_loss: Option<AttributeLossConfig>,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Width of `w`, D.
    pub w_dim: usize,
    /// Feature channels at 4², 8², … up to the size of the portraits.
    pub channels: Vec<usize>,
    /// Layers of the mapping network.
    pub mapping_layers: usize,
    /// Learning-rate multiplier of the mapping network.
    pub lr_multiplier: f64,
    /// Folder of a bundle whose generator to start from; fresh weights without.
    pub start: Option<PathBuf>,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningConfig {
    /// Portraits in a step.
    #[serde(deserialize_with = "bounds::batch")]
    pub batch: usize,
    /// Part of the batch whose styles are mixed.
    #[serde(deserialize_with = "bounds::fraction")]
    pub mixing: f64,
    /// The first latent layer that carries what captions name, k.
    pub mixing_layer: usize,
    /// The last so many portraits of the cache are for evaluation only.
    pub held_out: usize,
    /// Bands of the Laplacian pyramid in the loss.
    pub pyramid_levels: usize,
}

impl GeneratorStageConfig {
    /// The sizes of the network.
    pub fn generator(&self) -> GeneratorConfig {
        let model = &self.model;
        GeneratorConfig::new(CODE_DIM, model.w_dim, model.channels.clone())
            .with_mapping_layers(model.mapping_layers)
            .with_lr_multiplier(model.lr_multiplier)
            .with_normalize_z(false)
    }

    /// The weights to start from.
    fn load_start(&self, device: &Device) -> Result<Generator> {
        let fresh = self.generator().init(device);
        match &self.model.start {
            None => Ok(fresh),
            Some(bundle) => Ok(Bundle::folder(bundle).network("generator", fresh)?),
        }
    }

    /// Checks that the parts fit together; the error names the table and the field.
    fn validate(&self) -> std::result::Result<(), String> {
        let generator = self.generator();
        generator
            .validate()
            .map_err(|error| format!("[model]: {error}"))?;
        let (resolution, size) = (generator.resolution(), self.portraits.size as usize);
        if resolution != size {
            return Err(format!(
                "[model] `channels` makes images of {resolution} pixels, [portraits] `size` is {size}"
            ));
        }
        check_pyramid(self.learning.pyramid_levels, size)?;
        if self.learning.held_out >= self.portraits.count {
            return Err("[learning] `held_out` leaves no portrait to learn from".to_owned());
        }
        Ok(())
    }
}

/// Trains a [`Generator`].
pub struct GeneratorStage {
    config: GeneratorStageConfig,
    portraits: PortraitCache,
    /// On the training device.
    attribute_loss: Option<AttributeLoss>,
}

/// Portraits of a sample picture, one a column.
const SAMPLES: usize = 8;
/// Latents behind `w_avg`.
const W_AVG_LATENTS: usize = 8192;

impl GeneratorStage {
    /// Opens the portraits, rendering them first where the cache is not complete.
    ///
    /// # Errors
    /// As [`build_cache`] and [`PortraitCache::open`]; the attribute loss cannot be read.
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

    /// Images `[N, 3, R, R]` of the portraits, from mixed styles where `other` gives another portrait
    /// and from `f(z)` in all layers where it gives the portrait itself.
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

    /// Mean L1 and PSNR (dB, of values in 0–1) over the held-out portraits.
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

    /// Portraits to learn from.
    fn training(&self) -> Range<usize> {
        0..self.portraits.len() - self.config.learning.held_out
    }

    /// Portraits for evaluation only.
    fn held_out(&self) -> Range<usize> {
        self.training().end..self.portraits.len()
    }

    /// The held-out portrait after `index`, as a partner to mix with.
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

    /// Three rows: the renders, the same portraits from their own latents, and from mixed styles.
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

/// `anyface train generator`: trains the generator of a configuration file and puts it into the bundle.
///
/// # Errors
/// As [`load_config`], [`GeneratorStage::new`] and [`train`]; the bundle cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let path = config;
    if has_table(path, "images") {
        let message = "[images]: a generator of pictures is trained by `anyface train gan`";
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
