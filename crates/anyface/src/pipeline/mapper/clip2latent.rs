//! Text to latents with clip2latent's diffusion prior.
//!
//! The prior reads one CLIP feature at its original length; features of several sentences or
//! captions are averaged. The prior cannot read an existing face. So the change that a text makes
//! is measured on latents that the prior generates from the same noise.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::Mapper;
use super::random::RandomLatents;
use crate::Error;
use crate::bundle::{Bundle, BundleConfig, Truncation};
use crate::pipeline::Description;
use crate::prior::{Prior, Sampling};
use crate::recognizer::Recognizer;
use crate::stylegan2::{Generator, broadcast};

/// Number of samples whose mean change is the change of a text.
const DRAWS_OF_A_CHANGE: u64 = 8;

/// The prior and its settings in the bundle.
#[derive(Debug)]
pub(super) struct Clip2latent {
    prior: Prior,
    sampling: Sampling,
    random: RandomLatents,
    num_ws: usize,
}

impl Clip2latent {
    pub(super) fn load(
        bundle: &Bundle,
        config: &BundleConfig,
        generator: &Generator,
        device: &Device,
    ) -> Result<Self, Error> {
        let prior = config.clip2latent.as_ref();
        let prior = prior.expect("the config of a bundle was checked");
        Ok(Self {
            prior: bundle.network("clip2latent", prior.init(device))?,
            sampling: config.clip2latent_sampling,
            random: RandomLatents::new(config, generator),
            num_ws: config.generator.num_ws(),
        })
    }

    /// The latent `[1, D]` of a description and seed.
    fn w(&self, description: &Description, seed: u64, psi: f64) -> Tensor<2> {
        let feature = description.raw_features.clone().mean_dim(0);
        let noise = self.prior.noise(seed, self.sampling.steps);
        self.prior.sample(feature, noise, &self.sampling, psi)
    }
}

impl Mapper for Clip2latent {
    /// Truncation moves the whole latent towards the mean of the training latents, as in the
    /// reference.
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3> {
        broadcast(self.w(description, seed, truncation.psi), self.num_ws)
    }

    fn random_face(&self, seed: u64, truncation: Truncation) -> Tensor<3> {
        self.random.w_plus(seed, truncation)
    }

    fn change(
        &self,
        text: &Description,
        neutral: &Description,
        faces: Tensor<3>,
        _recognizer: Option<&Recognizer>,
    ) -> Tensor<3> {
        let changes = (0..DRAWS_OF_A_CHANGE)
            .map(|seed| self.w(text, seed, 1.0) - self.w(neutral, seed, 1.0))
            .collect();
        let change = Tensor::cat(changes, 0).mean_dim(0);
        broadcast(change, self.num_ws).expand(faces.dims())
    }

    fn layers(&self) -> Range<usize> {
        0..self.num_ws
    }
}
