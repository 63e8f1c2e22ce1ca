//! Loss and evaluation of the prior.

use std::path::Path;

use anyface::bundle::{Bundle, BundleConfig};
use anyface::image::{contact_sheet, save_png, to_rgb};
use anyface::prior::{Prior, PriorConfig};
use anyface::stylegan2::{Generator, Precision, PreparedSynthesis, broadcast};
use burn::tensor::{Device, Tensor};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::samples::{Samples, normal, text_like};
use super::{Clip2latentConfig, LearningConfig};
use crate::error::Result;
use crate::loss::diffusion;
use crate::run::{Evaluation, Stage, StepOutput};
use crate::stage::image_features::ImageFeatures;

/// Columns of the sample picture: one held-out face each, with faces of the prior for its image
/// feature below.
const COLUMNS: usize = 8;
const ROWS: u64 = 3;

/// Trains the diffusion [`Prior`].
pub(super) struct Clip2latentStage {
    config: Clip2latentConfig,
    bundle: BundleConfig,
    model: PriorConfig,
    training: Samples,
    held_out: Samples,
    synthesis: PreparedSynthesis,
}

impl Clip2latentStage {
    /// Loads the frozen networks and draws all faces.
    pub(super) fn new(
        config: &Clip2latentConfig,
        bundle: &BundleConfig,
        model: PriorConfig,
        device: &Device,
    ) -> Result<Self> {
        let folder = Bundle::folder(&config.bundle);
        let generator: Generator = folder.network("generator", bundle.generator.init(device))?;
        let synthesis = generator.synthesis.clone().prepare(Precision::F32);
        let synthesis = synthesis.expect("f32 runs everywhere");
        let image_features = ImageFeatures::load(&folder, device)?;
        let draw = |count, seed| {
            Samples::draw(count, seed, bundle, &generator, &synthesis, &image_features)
        };
        let seed = config.run.seed;
        Ok(Self {
            training: draw(config.data.drawn, seed),
            held_out: draw(config.data.held_out, seed.wrapping_add(1)),
            synthesis,
            model,
            bundle: bundle.clone(),
            config: config.clone(),
        })
    }

    /// Mean norm of the training features.
    pub(super) fn feature_length(&self) -> f64 {
        self.training.feature_length()
    }

    /// Loss on the faces at `places`.
    fn loss(
        &self,
        prior: &Prior,
        samples: &Samples,
        places: &[usize],
        rng: &mut ChaCha8Rng,
    ) -> Tensor<1> {
        let LearningConfig { noise, silent, .. } = self.config.learning;
        let [w, features] = samples.at(places);
        let features = text_like(features, noise, rng);
        let noise = normal(w.dims(), rng, &w);
        let last = self.model.num_timesteps;
        let times: Vec<usize> = places.iter().map(|_| rng.random_range(0..last)).collect();
        let unseen = places.iter().map(|_| u8::from(rng.random_bool(silent)));
        let unseen: Vec<f32> = unseen.map(f32::from).collect();
        let device = prior.latent_mean.device();
        let [w, noise, features] =
            [w, noise, features].map(|x| Tensor::<2>::from_data(x.into_data(), &device));
        let unseen = Tensor::<1>::from_data(unseen.as_slice(), &device);
        diffusion(prior, w, noise, &times, features, unseen)
    }
}

impl Stage for Clip2latentStage {
    type Model = Prior;

    fn init(&self, device: &Device) -> Result<Prior> {
        Ok(self.model.init(device).fitted(&self.training.w))
    }

    fn step(&mut self, prior: &Prior, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let batch = self.config.learning.batch;
        let places = self.training.random_places(batch, rng);
        let loss = self.loss(prior, &self.training, &places, rng);
        Ok(StepOutput::backward(prior, &loss, &[], batch))
    }

    fn evaluate(&mut self, ema: &Prior) -> Result<Evaluation> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.run.seed);
        let places: Vec<usize> = (0..self.config.data.held_out).collect();
        let loss = self.loss(ema, &self.held_out, &places, &mut rng);
        let loss = loss.into_scalar::<f64>();
        Ok(Evaluation {
            score: -loss,
            metrics: vec![("loss".to_owned(), loss)],
        })
    }

    fn sample(&mut self, ema: &Prior, path: &Path) -> Result<()> {
        let columns: Vec<usize> = (0..COLUMNS.min(self.config.data.held_out)).collect();
        let [w, features] = self.held_out.at(&columns);
        let sampling = &self.config.sampling;
        let made = (0..ROWS).map(|seed| {
            let noise = ema.noise(seed, sampling.steps);
            let noise = noise.repeat_dim(1, columns.len());
            ema.sample(features.clone(), noise, sampling, 1.0)
        });
        let rows = [w].into_iter().chain(made);
        let faces = rows.flat_map(|w| {
            let w_plus = broadcast(w, self.bundle.generator.num_ws());
            to_rgb(self.synthesis.forward(w_plus, self.bundle.noise.noise()))
        });
        let sheet = contact_sheet(&faces.collect::<Vec<_>>(), columns.len());
        Ok(save_png(&sheet, path)?)
    }
}
