//! Text to latents with a flow prior of the standard normals that make `z`.
//!
//! Every point of the flow is a face within the generator's distribution. The noise of a seed gives
//! the random face of that seed, and the text moves it as little as possible. An existing face has
//! no known normals, so edits use the text stream.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::flow::Flow;
use super::{Mapper, Streams};
use crate::Error;
use crate::bundle::{Bundle, BundleConfig, Truncation, ZDistribution};
use crate::pipeline::Description;
use crate::recognizer::Recognizer;
use crate::stylegan2::{Generator, Mapping, broadcast};

/// The flow prior, the mapping network of the generator, and the text stream.
#[derive(Debug)]
pub(super) struct FlowZ {
    flow: Flow,
    z_distribution: ZDistribution,
    mapping: Mapping,
    streams: Streams,
}

impl FlowZ {
    pub(super) fn load(
        bundle: &Bundle,
        config: &BundleConfig,
        generator: &Generator,
        device: &Device,
    ) -> Result<Self, Error> {
        Ok(Self {
            flow: Flow::load(bundle, config, device)?,
            z_distribution: config.z_distribution,
            mapping: generator.mapping.clone(),
            streams: Streams::load(bundle, config, generator, device)?,
        })
    }
}

impl Mapper for FlowZ {
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3> {
        let noise = self.flow.prior.noise(seed) * truncation.psi;
        let normals = self.flow.points(description, noise);
        let w = self.z_distribution.w(&self.mapping, normals);
        broadcast(w, self.flow.num_ws)
    }

    fn random_face(&self, seed: u64, truncation: Truncation) -> Tensor<3> {
        self.streams.random_face(seed, truncation)
    }

    fn change(
        &self,
        text: &Description,
        neutral: &Description,
        faces: Tensor<3>,
        recognizer: Option<&Recognizer>,
    ) -> Tensor<3> {
        self.streams.change(text, neutral, faces, recognizer)
    }

    fn layers(&self) -> Range<usize> {
        self.streams.layers()
    }
}
