//! Text to latents with the flow prior.
//!
//! To edit a face, the flow is integrated backwards without text, which gives the noise of the
//! face, then forwards with the text.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::Mapper;
use crate::Error;
use crate::bundle::{Bundle, BundleConfig, Truncation};
use crate::mapper::{FlowPrior, FlowSampling};
use crate::pipeline::Description;
use crate::recognizer::Recognizer;
use crate::stylegan2::broadcast;

/// The flow prior and its settings in the bundle.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) prior: FlowPrior,
    sampling: FlowSampling,
    pub(super) num_ws: usize,
}

impl Flow {
    pub(super) fn load(
        bundle: &Bundle,
        config: &BundleConfig,
        device: &Device,
    ) -> Result<Self, Error> {
        let prior = config.flow_prior.as_ref();
        let prior = prior.expect("the config of a bundle was checked");
        Ok(Self {
            prior: bundle.network("flow_prior", prior.init(device))?,
            sampling: config.flow_sampling,
            num_ws: config.generator.num_ws(),
        })
    }

    /// Points `[N, D]` of the flow for a description, from noise `[N, D]`.
    pub(super) fn points(&self, description: &Description, noise: Tensor<2>) -> Tensor<2> {
        let features = description.features.clone().unsqueeze();
        let condition = self.prior.condition(features, None);
        self.prior.latents(noise, condition, self.sampling)
    }
}

impl Mapper for Flow {
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3> {
        let noise = self.prior.noise(seed) * truncation.psi;
        broadcast(self.points(description, noise), self.num_ws)
    }

    fn faces(
        &self,
        description: &Description,
        seeds: Range<u64>,
        truncation: Truncation,
    ) -> Tensor<3> {
        let noise = seeds.map(|seed| self.prior.noise(seed)).collect();
        let noise = Tensor::cat(noise, 0) * truncation.psi;
        broadcast(self.points(description, noise), self.num_ws)
    }

    fn random_face(&self, seed: u64, truncation: Truncation) -> Tensor<3> {
        let noise = self.prior.noise(seed) * truncation.psi;
        let w = self.prior.unconditional_latents(noise, self.sampling.steps);
        broadcast(w, self.num_ws)
    }

    fn change(
        &self,
        text: &Description,
        neutral: &Description,
        faces: Tensor<3>,
        _recognizer: Option<&Recognizer>,
    ) -> Tensor<3> {
        let w = faces.mean_dim(1).squeeze_dim(1);
        let noise = self.prior.invert(w, self.sampling.steps);
        let change = self.points(text, noise.clone()) - self.points(neutral, noise);
        broadcast(change, self.num_ws)
    }

    fn layers(&self) -> Range<usize> {
        0..self.num_ws
    }
}
