//! Text to latents with the released AnyFace++: a memory, then a mapper.
//!
//! The memory features of several captions are averaged. The coarse layers come from noise. The
//! others depend only on the text, not on the seed or the face.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::Mapper;
use super::random::RandomLatents;
use crate::Error;
use crate::bundle::{Bundle, BundleConfig, Truncation};
use crate::mapper::{ImageMap, Memory};
use crate::pipeline::Description;
use crate::recognizer::Recognizer;
use crate::stylegan2::{Generator, mix};

/// Both networks and their settings in the bundle.
#[derive(Debug)]
pub(super) struct AnyfacePlus {
    memory: Memory,
    image_map: ImageMap,
    random: RandomLatents,
    injection_layer: usize,
    num_ws: usize,
}

impl AnyfacePlus {
    pub(super) fn load(
        bundle: &Bundle,
        config: &BundleConfig,
        generator: &Generator,
        device: &Device,
    ) -> Result<Self, Error> {
        let checked = "the config of a bundle was checked";
        let memory = config.memory.as_ref().expect(checked);
        let image_map = config.image_map.as_ref().expect(checked);
        Ok(Self {
            memory: bundle.network("memory", memory.init(device))?,
            image_map: bundle.network("image_map", image_map.init(device))?,
            random: RandomLatents::new(config, generator),
            injection_layer: config.injection_layer,
            num_ws: config.generator.num_ws(),
        })
    }

    /// The mapped latent of a description, `[1, L, D]`.
    fn mapped(&self, description: &Description) -> Tensor<3> {
        let features = self.memory.forward(description.raw_features.clone());
        self.image_map.forward(features.mean_dim(0))
    }
}

impl Mapper for AnyfacePlus {
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3> {
        let w_c = self.random_face(seed, truncation);
        mix(w_c, self.mapped(description), self.injection_layer)
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
        (self.mapped(text) - self.mapped(neutral)).expand(faces.dims())
    }

    fn layers(&self) -> Range<usize> {
        self.injection_layer..self.num_ws
    }
}
