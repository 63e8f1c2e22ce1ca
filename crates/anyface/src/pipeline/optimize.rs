//! Latent optimisation: increases the CLIP similarity of images and text (StyleCLIP, Patashnik et
//! al. 2021, arXiv 2103.17249, section 4).
//!
//! Reference: `optimization/run_optimization.py` of orpatashnik/StyleCLIP. There are two
//! differences: the L2 loss also applies to generation, and an edit follows the difference between
//! its text and a neutral text.

use std::f64::consts::PI;

use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::Tensor;

use super::Description;
use super::descent::descend;
use crate::bundle::{BundleConfig, OptimizationConfig, StoredNoise};
use crate::clip::{ImageTower, Preprocess};
use crate::layers::l2_normalize;
use crate::recognizer::Recognizer;
use crate::stylegan2::{Generator, Synthesis};

/// Shares of the steps in which the learning rate rises and falls, as in the reference.
const RAMP_UP: f64 = 0.05;
const RAMP_DOWN: f64 = 0.25;

/// ε of Adam, torch's default. Gradients of latents are small, so a larger ε would slow them down.
const EPSILON: f32 = 1e-8;

/// The networks that the loss needs. They share their weights with the engine.
#[derive(Debug, Clone)]
pub(super) struct LatentOptimizer {
    synthesis: Synthesis,
    image_tower: ImageTower,
    preprocess: Preprocess,
    noise: StoredNoise,
    config: OptimizationConfig,
}

impl LatentOptimizer {
    pub(super) fn new(
        config: &BundleConfig,
        generator: &Generator,
        image_tower: &ImageTower,
    ) -> Self {
        Self {
            synthesis: generator.synthesis.clone(),
            image_tower: image_tower.clone(),
            preprocess: config.clip.preprocess(config.image_tower.resolution()),
            noise: config.noise,
            config: config.optimization,
        }
    }

    /// The change `[N, L, D]` of faces `[N, L, D]` that moves their features from `neutral` towards
    /// `text`. A recogniser preserves the identity.
    pub(super) fn change(
        &self,
        text: &Description,
        neutral: &Description,
        faces: Tensor<3>,
        recognizer: Option<&Recognizer>,
    ) -> Tensor<3> {
        let goal = text.mean() - neutral.mean();
        self.optimize(faces.clone(), &goal, recognizer) - faces
    }

    /// Optimises faces `[N, L, D]`, one by one, so that the features of their images align with
    /// `goal [1, E]`: text features or their difference. A recogniser preserves the identity.
    pub(super) fn optimize(
        &self,
        faces: Tensor<3>,
        goal: &Tensor<2>,
        recognizer: Option<&Recognizer>,
    ) -> Tensor<3> {
        let device = faces.device().autodiff();
        let synthesis = self.synthesis.clone().no_grad().to_device(&device);
        let image_tower = self.image_tower.clone().no_grad().to_device(&device);
        let goal = Tensor::<2>::from_data(goal.to_data(), &device);
        let draw = |w_plus| synthesis.forward(w_plus, self.noise.noise());
        let optimize = |face: Tensor<3>| {
            let start = Tensor::<3>::from_data(face.into_data(), &device);
            let person = recognizer.map(|network| network.identities(draw(start.clone())));
            let loss = |w_plus: Tensor<3>| {
                let picture = draw(w_plus.clone());
                let pixels = self.preprocess.images(picture.clone());
                let feature = l2_normalize(image_tower.forward(pixels));
                let distance = (w_plus - start.clone()).square().sum();
                let loss = distance * self.config.l2 - (feature * goal.clone()).sum();
                match (recognizer, &person) {
                    (Some(network), Some(person)) => {
                        let same = (network.identities(picture) * person.clone()).sum();
                        loss - same * self.config.identity
                    }
                    _ => loss,
                }
            };
            let adam = AdamConfig::new().with_epsilon(EPSILON);
            let rate = |step| self.learning_rate(step);
            descend(start.clone(), self.config.steps, adam, rate, loss)
        };
        Tensor::cat(faces.split(1, 0).into_iter().map(optimize).collect(), 0)
    }

    /// The learning rate of a step: a linear rise, a constant, then a cosine decay.
    fn learning_rate(&self, step: usize) -> f64 {
        let done = (step as f64 + 0.5) / self.config.steps as f64;
        let down = ((1.0 - done) / RAMP_DOWN).min(1.0);
        let down = 0.5 - 0.5 * (down * PI).cos();
        self.config.learning_rate * down * (done / RAMP_UP).min(1.0)
    }
}
