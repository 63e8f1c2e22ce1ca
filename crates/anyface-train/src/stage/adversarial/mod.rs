//! A generator of photographs: StyleGAN2's adversarial training on a folder of images.
//!
//! Non-saturating logistic loss and lazy R1, the latter without a second derivative; both networks make a step on every
//! batch. How far it is from the photographs is measured as it goes, by the Fréchet distance of what a recogniser sees.

mod augment;
mod config;
mod discriminator;
mod prior;
mod reconstruction;
mod start;

use std::path::Path;

use anyface::bundle::Bundle;
use anyface::bundle::{Domain, ZDistribution};
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::inversion::Encoder;
use anyface::stylegan2::{Generator, GeneratorConfig, Noise, broadcast, mix};
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use self::augment::augment;
pub(super) use self::config::AdversarialConfig;
use self::discriminator::Discriminator;
use self::reconstruction::{Drawn, Reconstruction, between, found};
use self::start::start;
use super::random_w::random_w;
use crate::data::images::{ImageSet, flip};
use crate::data::photographs::pictures as labelled_pictures;
use crate::error::{Result, TrainError};
use crate::eval::frechet::Gaussian;
use crate::loss::{approximate_r1, clip_loss, discriminator_loss, generator_loss};
use crate::run::{Evaluation, Stage, StepOutput, load_config, train};
use anyface::recognizer::Recognizer;

/// Both networks, trained against each other, and the encoder that helps the generator.
#[derive(Module, Debug)]
struct Gan {
    generator: Generator,
    discriminator: Discriminator,
    encoder: Option<Encoder>,
}

impl Gan {
    /// The same but for the colours of the largest block, which are none.
    fn with_silent_last_block(mut self) -> Self {
        let blocks = &mut self.generator.synthesis.blocks;
        if let Some(torgb) = blocks.last_mut().and_then(|block| block.torgb.as_mut()) {
            let weight = torgb.weight.clone();
            torgb.weight = weight.map(|weight| weight.zeros_like());
        }
        self
    }
}

/// Pictures that there must be, to learn from and to measure by: two halves that each have a spread.
const FEWEST: usize = 4;
/// Images of a sample picture, in a square.
const SAMPLES: usize = 8;
/// Latents behind `w_avg`.
const W_AVG_LATENTS: usize = 8192;
/// Rows of a sample picture that are photographs, each with a row of those drawn again.
const AGAIN: usize = 2;
/// Images drawn at once for measuring.
const DRAWN: usize = 32;

/// Trains [`Gan`].
struct AdversarialStage {
    config: AdversarialConfig,
    photographs: ImageSet,
    held_out: ImageSet,
    recognizer: Recognizer,
    reconstruction: Option<Reconstruction>,
    /// What the recogniser sees in held-out photographs.
    real: Gaussian,
    /// Fréchet distance of two halves of them: as near as can be.
    nearest: f64,
    /// Of the generator.
    sizes: GeneratorConfig,
    /// What its `z` is drawn from.
    prior: ZDistribution,
}

impl AdversarialStage {
    fn new(config: AdversarialConfig, sizes: GeneratorConfig, device: &Device) -> Result<Self> {
        let recognizer = Recognizer::open(&config.recognizer, device)?;
        let (pictures, others) = ImageSet::open(&config.images)?;
        let (photographs, held_out) = match &config.photographs {
            Some(labelled) => {
                let (training, held_out) = labelled_pictures(labelled)?;
                (training.joined(pictures), held_out)
            }
            None => (pictures, others),
        };
        for (what, pictures) in [
            ("pictures to learn from", &photographs),
            ("held-out pictures", &held_out),
        ] {
            if pictures.len() < FEWEST {
                let found = pictures.len();
                return Err(TrainError::TooFew {
                    what,
                    found,
                    needed: FEWEST,
                });
            }
        }
        let measured = config.learning.measured.min(held_out.len());
        let places: Vec<usize> = (0..measured).collect();
        let features = recognizer.features(held_out.images(&places, device));
        let (first, second) = features.split_at(measured / 2);
        let reconstruction = config.reconstruction.as_ref();
        let reconstruction = reconstruction
            .map(|table| {
                Reconstruction::open(
                    table,
                    &config.recognizer,
                    config.attribute_loss.as_ref(),
                    device,
                )
            })
            .transpose()?;
        let stage = Self {
            reconstruction,
            held_out,
            nearest: Gaussian::of(first).distance(&Gaussian::of(second)),
            real: Gaussian::of(&features),
            photographs,
            recognizer,
            prior: config.prior()?,
            sizes,
            config,
        };
        start(&stage.config, &stage.sizes, device)?;
        Ok(stage)
    }

    /// So many random latents `[N, L, D]`, sometimes with the styles of two from some layer on: between those `found` for
    /// photographs, or of the mapping network where there are none.
    fn random(
        &self,
        generator: &Generator,
        found: Option<&Tensor<3>>,
        count: usize,
        rng: &mut ChaCha8Rng,
    ) -> Tensor<3> {
        let layers = generator.synthesis.num_ws();
        let w = |rng: &mut ChaCha8Rng| match found {
            Some(found) => between(found.clone().detach(), count, rng),
            None => broadcast(random_w(count, &generator.mapping, self.prior, rng), layers),
        };
        let first = w(rng);
        match rng.random_bool(self.config.learning.mixing) {
            true => mix(first, w(rng), rng.random_range(1..layers)),
            false => first,
        }
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

    /// PSNR (dB, of values in 0–1) of held-out photographs that are drawn again, and the mean cosine of what the recogniser
    /// sees in both.
    fn faithfulness(&self, generator: &Generator, encoder: &Encoder) -> [f64; 2] {
        let count = self.config.learning.measured.min(self.held_out.len());
        let device = generator.synthesis.input.device();
        let (mut squared, mut cosine) = (0.0, 0.0);
        for start in (0..count).step_by(DRAWN) {
            let places: Vec<usize> = (start..count.min(start + DRAWN)).collect();
            let part = places.len() as f64 / count as f64;
            let photographs = self.held_out.images(&places, &device);
            let drawn = again(generator, encoder, photographs.clone()).clamp(-1.0, 1.0);
            let error = (drawn.clone() - photographs.clone()) * 0.5;
            squared += part * error.square().mean().into_scalar::<f64>();
            let identity = clip_loss(
                self.recognizer.identities(drawn),
                self.recognizer.identities(photographs),
            );
            cosine += part * (1.0 - identity.into_scalar::<f64>());
        }
        [-10.0 * squared.log10(), cosine]
    }

    /// The losses of both adversaries over what was drawn and photographs, `[N, 3, R, R]` each.
    fn contest(
        &self,
        discriminator: &Discriminator,
        drawn: &Tensor<4>,
        real: &Tensor<4>,
        rng: &mut ChaCha8Rng,
    ) -> Contest {
        let learning = &self.config.learning;
        let judge = discriminator.clone().no_grad();
        let (logits, seen) = judge.forward_with_features(self.shown(drawn.clone(), rng));
        let fooling = generator_loss(logits);

        let real = self.shown(real.clone(), rng);
        let of_drawn = discriminator.forward(self.shown(drawn.clone().detach(), rng));
        let (of_real, truly_seen) = discriminator.forward_with_features(real.clone());
        let telling = discriminator_loss(of_drawn, of_real.clone());
        // One sum: the first is deaf to the discriminator's weights, the second to the generator's.
        let mut total = fooling.clone() * learning.adversarial_weight + telling.clone();
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
        Contest {
            total,
            parts,
            seen: [seen, truly_seen],
        }
    }

    /// What a seed draws, without gradients.
    fn drawn(&self, generator: &Generator, count: usize, seed: u64) -> Vec<Tensor<4>> {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let layers = generator.synthesis.num_ws();
        let mut images = Vec::new();
        for start in (0..count).step_by(DRAWN) {
            let w = random_w(
                DRAWN.min(count - start),
                &generator.mapping,
                self.prior,
                rng,
            );
            let w_plus = broadcast(w, layers);
            images.push(generator.synthesis.forward(w_plus, Noise::None));
        }
        images
    }
}

/// What comes of a contest over a batch.
struct Contest {
    /// The weighted sum of the losses.
    total: Tensor<1>,
    /// Each loss by name.
    parts: Vec<(&'static str, Tensor<1>)>,
    /// What the discriminator's layers saw of what was drawn, and of photographs.
    seen: [Vec<Tensor<4>>; 2],
}

impl Stage for AdversarialStage {
    type Model = Gan;

    fn init(&self, device: &Device) -> Gan {
        start(&self.config, &self.sizes, device).expect("the weights that could be loaded before")
    }

    fn step(&mut self, model: &Gan, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let learning = &self.config.learning;
        let real = self.photographs(rng, &model.generator.synthesis.input.device());
        let aid = self.reconstruction.as_ref().zip(model.encoder.as_ref());
        let found = aid.map(|(aid, encoder)| aid.found(encoder, &real));
        let again = found.as_ref().map_or(0, |found| found.dims()[0]);
        let random = self.random(
            &model.generator,
            found.as_ref(),
            learning.batch - again,
            rng,
        );
        let w_plus = Tensor::cat(found.into_iter().chain([random]).collect(), 0);
        let drawn = model
            .generator
            .synthesis
            .forward(w_plus.clone(), Noise::None);

        let mut totals = Vec::new();
        let mut parts = Vec::new();
        let seen = (learning.adversarial_weight > 0.0).then(|| {
            let contest = self.contest(&model.discriminator, &drawn, &real, rng);
            totals.push(contest.total);
            parts.extend(contest.parts);
            contest.seen
        });
        if let Some((aid, encoder)) = aid {
            let batch = Drawn {
                photographs: &real,
                images: &drawn,
                w_plus: &w_plus,
                seen,
            };
            let (total, losses) = aid.losses(encoder, batch);
            totals.push(total);
            parts.extend(losses);
        }
        let total = totals.into_iter().reduce(|sum, loss| sum + loss);
        let total = total.expect("a discriminator or an encoder");
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        Ok(StepOutput::backward(model, &total, &parts, learning.batch))
    }

    /// The mapping network draws latents like those of photographs, where an encoder tells them.
    fn refresh(&self, mut average: Gan) -> Gan {
        if let Some(encoder) = &average.encoder {
            let mapping = average.generator.mapping;
            average.generator.mapping = prior::fit(mapping, encoder, &self.photographs);
            return average;
        }
        let rng = &mut ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let mapping = &mut average.generator.mapping;
        let w = random_w(W_AVG_LATENTS, mapping, self.prior, rng);
        mapping.track_w_avg(w, 0.0);
        average
    }

    fn evaluate(&mut self, average: &Gan) -> Result<Evaluation> {
        let count = self.config.learning.measured;
        let drawn = self.drawn(&average.generator, count, self.config.run.seed);
        let features: Vec<_> = drawn
            .into_iter()
            .flat_map(|images| self.recognizer.features(images))
            .collect();
        let distance = Gaussian::of(&features).distance(&self.real);
        let mut metrics = vec![
            ("frechet_mobilefacenet".to_owned(), distance),
            (
                "times_that_of_two_halves".to_owned(),
                distance / self.nearest,
            ),
        ];
        if let Some(encoder) = &average.encoder {
            let [psnr, cosine] = self.faithfulness(&average.generator, encoder);
            metrics.push(("psnr".to_owned(), psnr));
            metrics.push(("identity_cosine".to_owned(), cosine));
        }
        Ok(Evaluation {
            score: -distance,
            metrics,
        })
    }

    /// Random faces; before them, with an encoder, rows of held-out photographs and below each what is drawn of it.
    fn sample(&mut self, average: &Gan, path: &Path) -> Result<()> {
        let mut images = Vec::new();
        for row in 0..average.encoder.as_ref().map_or(0, |_| AGAIN) {
            let first = row * SAMPLES;
            let places: Vec<usize> = (first..first + SAMPLES)
                .map(|place| place % self.held_out.len())
                .collect();
            let device = average.generator.synthesis.input.device();
            let photographs = self.held_out.images(&places, &device);
            images.push(photographs.clone());
            if let Some(encoder) = &average.encoder {
                images.push(again(&average.generator, encoder, photographs));
            }
        }
        let random = SAMPLES * (SAMPLES - images.len());
        images.extend(self.drawn(&average.generator, random, self.config.run.seed));
        let images: Vec<_> = images.into_iter().flat_map(to_rgb).collect();
        Ok(save_png(&contact_sheet(&images, SAMPLES), path)?)
    }
}

/// Photographs `[N, 3, R, R]`, drawn again.
fn again(generator: &Generator, encoder: &Encoder, photographs: Tensor<4>) -> Tensor<4> {
    generator
        .synthesis
        .forward(found(encoder, photographs), Noise::None)
}

fn noise_like(images: &Tensor<4>, sigma: f64, rng: &mut ChaCha8Rng) -> Tensor<4> {
    let shape = images.dims();
    let normal = StandardNormal
        .sample_iter(rng)
        .map(|x: f64| (x * sigma) as f32);
    let values: Vec<f32> = normal.take(shape.iter().product()).collect();
    Tensor::from_data(TensorData::new(values, shape), &images.device())
}

/// `anyface train adversarial`: trains both networks and puts the generator into the bundle.
///
/// # Errors
/// As [`load_config`], [`ImageSet::open`] and [`train`]; the recogniser cannot be read; the bundle cannot be written.
pub fn run(config: &Path, device: &Device, resume: bool) -> Result<()> {
    let path = config;
    let config: AdversarialConfig = load_config(path)?;
    let sizes = config.generator()?;
    config
        .validate(&sizes)
        .map_err(|message| TrainError::config(path, message))?;
    let mut stage = AdversarialStage::new(config.clone(), sizes.clone(), device)?;
    let trained = train(&mut stage, &config.run, device, resume)?;
    let bundle = &config.bundle;
    Bundle::put(bundle, "generator", &sizes, &trained.generator)?;
    if let (Some(reconstruction), Some(encoder)) = (&config.reconstruction, trained.encoder) {
        // An encoder of a bundle finds differences from the mean.
        let encoder = encoder.uniform(-trained.generator.mapping.w_avg.val());
        Bundle::put(
            bundle,
            "inversion",
            &reconstruction.encoder(&sizes),
            &encoder,
        )?;
    }
    Bundle::put_section(bundle, "domain", &Domain::Photographs)?;
    Ok(Bundle::put_section(bundle, "z_distribution", &stage.prior)?)
}
