//! Text to latents by optimisation: starts from the random face of a seed and increases the CLIP
//! score.

use std::ops::Range;

use burn::tensor::Tensor;

use super::Mapper;
use super::random::RandomLatents;
use crate::bundle::{BundleConfig, Truncation};
use crate::clip::ImageTower;
use crate::pipeline::Description;
use crate::pipeline::optimize::LatentOptimizer;
use crate::recognizer::Recognizer;
use crate::stylegan2::Generator;

/// An optimiser and the random faces it starts from.
#[derive(Debug)]
pub(super) struct Optimization {
    optimizer: LatentOptimizer,
    random: RandomLatents,
    num_ws: usize,
}

impl Optimization {
    pub(super) fn new(
        config: &BundleConfig,
        generator: &Generator,
        image_tower: &ImageTower,
    ) -> Self {
        Self {
            optimizer: LatentOptimizer::new(config, generator, image_tower),
            random: RandomLatents::new(config, generator),
            num_ws: config.generator.num_ws(),
        }
    }
}

impl Mapper for Optimization {
    fn face(&self, description: &Description, seed: u64, truncation: Truncation) -> Tensor<3> {
        let start = self.random_face(seed, truncation);
        self.optimizer.optimize(start, &description.mean(), None)
    }

    fn random_face(&self, seed: u64, truncation: Truncation) -> Tensor<3> {
        self.random.w_plus(seed, truncation)
    }

    fn change(
        &self,
        text: &Description,
        neutral: &Description,
        faces: Tensor<3>,
        recognizer: Option<&Recognizer>,
    ) -> Tensor<3> {
        self.optimizer.change(text, neutral, faces, recognizer)
    }

    fn layers(&self) -> Range<usize> {
        0..self.num_ws
    }
}
