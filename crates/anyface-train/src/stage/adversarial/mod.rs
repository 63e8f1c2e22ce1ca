//! A generator of photographs: StyleGAN2's adversarial training on a folder of images.
//!
//! Non-saturating logistic loss and lazy R1, the latter without a second derivative; both networks make a step on every
//! batch. How far it is from the photographs is measured as it goes, by the Fréchet distance of what a recogniser sees.

mod augment;
mod discriminator;

use std::path::{Path, PathBuf};

use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::pipeline::Prior;
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast, mix};
use anyface::weights::Bundle;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::Deserialize;

use self::augment::augment;
use self::discriminator::{Discriminator, DiscriminatorConfig};
use super::random_w::random_w;
use crate::data::images::{ImageSet, ImagesConfig, flip};
use crate::error::{Result, TrainError};
use crate::eval::frechet::Gaussian;
use crate::eval::recognizer::Recognizer;
use crate::loss::{approximate_r1, discriminator_loss, generator_loss};
use crate::run::{Evaluation, RunConfig, Stage, StepOutput, train};

/// A whole configuration file of this stage: it has a table `[images]`, that of the other way to train a generator a
/// table `[portraits]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdversarialConfig {
    /// The run. Parameters are under `generator.` and `discriminator.`, for learning rates of their own.
    run: RunConfig,
    /// Folder of the bundle that is given the generator.
    bundle: PathBuf,
    /// The photographs.
    images: ImagesConfig,
    /// The networks.
    model: ModelConfig,
    /// The batches and the loss.
    learning: LearningConfig,
    /// Weights of MobileFaceNet: what the Fréchet distance is measured by.
    recognizer: PathBuf,
}

/// The `[model]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelConfig {
    /// Width of `z` and `w`, D.
    w_dim: usize,
    /// Feature channels of both networks at 4², 8², … up to the size of the images.
    channels: Vec<usize>,
    /// Layers of the mapping network.
    mapping_layers: usize,
}

/// The `[learning]` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearningConfig {
    /// Images in a step, drawn and real; a multiple of four.
    batch: usize,
    /// How often a batch is drawn with the styles of two latents.
    mixing: f64,
    /// Weight γ of R1.
    r1_gamma: f64,
    /// One step in so many has R1, that much heavier.
    r1_every: u32,
    /// Standard deviation σ of the noise that R1 is measured by.
    r1_sigma: f64,
    /// Whether photographs may be turned left to right.
    flips: bool,
    /// Whether the discriminator sees everything augmented.
    augment: bool,
    /// Images that the Fréchet distance is measured over.
    measured: usize,
}

impl AdversarialConfig {
    /// The sizes of the generator.
    fn generator(&self) -> GeneratorConfig {
        let model = &self.model;
        GeneratorConfig::new(model.w_dim, model.w_dim, model.channels.clone())
            .with_mapping_layers(model.mapping_layers)
    }

    /// Checks that the parts fit together; the error names the table and the field.
    fn validate(&self) -> std::result::Result<(), String> {
        let generator = self.generator();
        generator
            .validate()
            .map_err(|error| format!("[model]: {error}"))?;
        let (resolution, size) = (generator.resolution(), self.images.size as usize);
        if resolution != size {
            return Err(format!(
                "[model] `channels` makes images of {resolution} pixels, [images] `size` is {size}"
            ));
        }
        if self.images.held_out < 2 {
            return Err("[images] `held_out` leaves no picture to learn from".to_owned());
        }
        Ok(())
    }
}

/// Both networks, trained against each other.
#[derive(Module, Debug)]
struct Adversaries {
    generator: Generator,
    discriminator: Discriminator,
}

/// Images of a sample picture, in a square.
const SAMPLES: usize = 8;
/// Latents behind `w_avg`.
const W_AVG_LATENTS: usize = 8192;
/// Images drawn at once for measuring.
const DRAWN: usize = 32;

/// Trains [`Adversaries`].
struct AdversarialStage {
    config: AdversarialConfig,
    photographs: ImageSet,
    recognizer: Recognizer,
    /// What the recogniser sees in held-out photographs.
    real: Gaussian,
    /// Fréchet distance of two halves of them: as near as can be.
    nearest: f64,
}

impl AdversarialStage {
    fn new(config: AdversarialConfig, device: &Device) -> Result<Self> {
        let recognizer = Recognizer::open(&config.recognizer, device)?;
        let (photographs, held_out) = ImageSet::open(&config.images)?;
        let measured = config.learning.measured.min(held_out.len());
        let places: Vec<usize> = (0..measured).collect();
        let features = recognizer.features(held_out.images(&places, device));
        let (first, second) = features.split_at(measured / 2);
        Ok(Self {
            nearest: Gaussian::of(first).distance(&Gaussian::of(second)),
            real: Gaussian::of(&features),
            photographs,
            recognizer,
            config,
        })
    }

    /// New images, sometimes with the styles of another latent from some layer on.
    fn draw(&self, generator: &Generator, rng: &mut ChaCha8Rng) -> Tensor<4> {
        let learning = &self.config.learning;
        let layers = generator.synthesis.num_ws();
        let w = |rng: &mut ChaCha8Rng| {
            broadcast(random_w(learning.batch, &generator.mapping, rng), layers)
        };
        let first = w(rng);
        let w_plus = match rng.random_bool(learning.mixing) {
            true => mix(first, w(rng), rng.random_range(1..layers)),
            false => first,
        };
        generator.synthesis.forward(w_plus, Noise::None)
    }

    /// Photographs `[N, 3, R, R]`.
    fn photographs(&self, rng: &mut ChaCha8Rng, device: &Device) -> Tensor<4> {
        let learning = &self.config.learning;
        let places: Vec<usize> = (0..learning.batch)
            .map(|_| rng.random_range(0..self.photographs.len()))
            .collect();
        let images = self.photographs.images(&places, device);
        match learning.flips {
            true => flip(images, rng),
            false => images,
        }
    }

    /// As the discriminator sees images.
    fn shown(&self, images: Tensor<4>, rng: &mut ChaCha8Rng) -> Tensor<4> {
        match self.config.learning.augment {
            true => augment(images, rng),
            false => images,
        }
    }

    /// What a seed draws, without gradients.
    fn drawn(&self, generator: &Generator, count: usize, seed: u64) -> Vec<Tensor<4>> {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let layers = generator.synthesis.num_ws();
        let mut images = Vec::new();
        for start in (0..count).step_by(DRAWN) {
            let w = random_w(DRAWN.min(count - start), &generator.mapping, rng);
            let w_plus = broadcast(w, layers);
            images.push(generator.synthesis.forward(w_plus, Noise::None));
        }
        images
    }
}

impl Stage for AdversarialStage {
    type Model = Adversaries;

    fn init(&self, device: &Device) -> Adversaries {
        Adversaries {
            generator: self.config.generator().init(device),
            discriminator: DiscriminatorConfig::new(self.config.model.channels.clone())
                .init(device),
        }
    }

    fn step(&mut self, model: &Adversaries, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let learning = &self.config.learning;
        let discriminator = &model.discriminator;

        let drawn = self.draw(&model.generator, rng);
        let judge = discriminator.clone().no_grad();
        let fooling = generator_loss(judge.forward(self.shown(drawn.clone(), rng)));

        let real = self.photographs(rng, &drawn.device());
        let real = self.shown(real, rng);
        let of_drawn = discriminator.forward(self.shown(drawn.detach(), rng));
        let of_real = discriminator.forward(real.clone());
        let telling = discriminator_loss(of_drawn, of_real.clone());
        // One sum: the first is deaf to the discriminator's weights, the second to the generator's.
        let mut total = fooling.clone() + telling.clone();
        let mut parts = vec![("generator", fooling), ("discriminator", telling)];
        if rng.random_ratio(1, learning.r1_every) {
            let moved = real.clone() + noise_like(&real, learning.r1_sigma, rng);
            let r1 = approximate_r1(
                of_real,
                discriminator.forward(moved),
                learning.r1_sigma,
                learning.r1_gamma,
            );
            total = total + r1.clone() * f64::from(learning.r1_every);
            parts.push(("r1", r1));
        }
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        Ok(StepOutput::backward(model, &total, &parts, learning.batch))
    }

    fn refresh(&self, mut average: Adversaries) -> Adversaries {
        let rng = &mut ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let mapping = &mut average.generator.mapping;
        let w = random_w(W_AVG_LATENTS, mapping, rng);
        mapping.track_w_avg(w, 0.0);
        average
    }

    fn evaluate(&mut self, average: &Adversaries) -> Result<Evaluation> {
        let count = self.config.learning.measured;
        let drawn = self.drawn(&average.generator, count, self.config.run.seed);
        let features: Vec<_> = drawn
            .into_iter()
            .flat_map(|images| self.recognizer.features(images))
            .collect();
        let distance = Gaussian::of(&features).distance(&self.real);
        Ok(Evaluation {
            score: -distance,
            metrics: vec![
                ("frechet_mobilefacenet".to_owned(), distance),
                (
                    "times_that_of_two_halves".to_owned(),
                    distance / self.nearest,
                ),
            ],
        })
    }

    fn sample(&mut self, average: &Adversaries, path: &Path) -> Result<()> {
        let drawn = self.drawn(&average.generator, SAMPLES * SAMPLES, self.config.run.seed);
        let images: Vec<_> = drawn.into_iter().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, SAMPLES), path)?)
    }
}

fn noise_like(images: &Tensor<4>, sigma: f64, rng: &mut ChaCha8Rng) -> Tensor<4> {
    let shape = images.dims();
    let normal = StandardNormal
        .sample_iter(rng)
        .map(|x: f64| (x * sigma) as f32);
    let values: Vec<f32> = normal.take(shape.iter().product()).collect();
    Tensor::from_data(TensorData::new(values, shape), &images.device())
}

/// `anyface train generator` with a table `[images]`: trains both networks and puts the generator into the bundle.
///
/// # Errors
/// As [`ImageSet::open`] and [`train`]; the recogniser cannot be read; the bundle cannot be written.
pub(super) fn run(
    config: AdversarialConfig,
    path: &Path,
    device: &Device,
    resume: bool,
) -> Result<()> {
    config
        .validate()
        .map_err(|message| TrainError::config(path, message))?;
    let mut stage = AdversarialStage::new(config.clone(), device)?;
    let trained = train(&mut stage, &config.run, device, resume)?;
    let bundle = &config.bundle;
    Bundle::put(bundle, "generator", &config.generator(), &trained.generator)?;
    Bundle::put_section(bundle, "domain", &"photographs")?;
    Ok(Bundle::put_section(bundle, "prior", &Prior::Normal)?)
}
