//! The image tower, against the finished text tower (Zhai et al. 2022, arXiv 2111.07991, with the
//! text tower locked in the place of the image tower).
//!
//! Its features have the direction of those that the attributes of the face give, which is a clean
//! target, and pick the right caption among those of the batch.

use std::ops::Range;

use anyface::clip::{ImageTower, ImageTowerConfig, clip_score, normalize};
use anyface_portraits::caption::Split;
use anyface_portraits::{Attributes, Face};
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::LearningConfig;
use super::text::{TextLearner, initial_log_scale};
use super::texts::Texts;
use crate::data::captions::{CaptionedFace, captions};
use crate::data::portraits::{PortraitCache, PortraitsConfig, build_cache};
use crate::error::Result;
use crate::loss::contrastive;
use crate::run::{Evaluation, Stage, StepOutput};

/// Pictures among which a caption has to find its own.
const GALLERY: usize = 100;

/// The image tower with the temperature of its contrast.
#[derive(Module, Debug)]
pub(super) struct ImageLearner {
    /// The tower.
    pub(super) tower: ImageTower,
    log_scale: Param<Tensor<1>>,
}

impl ImageLearner {
    pub(super) fn new(tower: &ImageTowerConfig, device: &Device) -> Self {
        Self {
            tower: tower.init(device),
            log_scale: initial_log_scale(device),
        }
    }
}

/// Trains an [`ImageLearner`].
pub(super) struct ImageStage<'a> {
    tower: ImageTowerConfig,
    learning: &'a LearningConfig,
    portraits: PortraitCache,
    faces: Vec<CaptionedFace>,
    held_out: Vec<CaptionedFace>,
    /// The text side, frozen.
    text: &'a TextLearner,
    texts: &'a Texts,
}

impl<'a> ImageStage<'a> {
    /// Opens the portraits, rendering them first where the cache is not complete.
    pub(super) fn new(
        tower: ImageTowerConfig,
        portraits: &PortraitsConfig,
        learning: &'a LearningConfig,
        text: &'a TextLearner,
        texts: &'a Texts,
    ) -> Result<Self> {
        build_cache(portraits)?;
        let cache = PortraitCache::open(&portraits.cache)?;
        let first_held_out = cache.len() - learning.held_out_portraits;
        let captions_of = |range: Range<usize>, split| {
            let attributes =
                |index| -> Attributes { Face::from_latent(cache.latent(index)).attributes() };
            captions(
                split,
                range.into_par_iter().map(attributes).collect(),
                portraits.seed,
            )
        };
        Ok(Self {
            faces: captions_of(0..first_held_out, Split::Train),
            held_out: captions_of(first_held_out..cache.len(), Split::HeldOut),
            portraits: cache,
            tower,
            learning,
            text,
            texts,
        })
    }

    /// Unit means `[N, E]` of the text features of each caption's sentences, without a gradient.
    fn text_features(&self, faces: &[&CaptionedFace]) -> Tensor<2> {
        let texts: Vec<&str> = faces
            .iter()
            .flat_map(|face| &face.caption.sentences)
            .map(|sentence| sentence.text.as_str())
            .collect();
        let device = self.text.devices().remove(0);
        let tokens = self
            .texts
            .tokenizer
            .batch(&texts, self.texts.context, &device);
        let features = normalize(self.text.tower.forward(tokens));
        let counts = faces.iter().map(|face| face.caption.sentences.len());
        let means = features.split_with_sizes(counts.collect(), 0);
        let means = means.into_iter().map(|of_face| of_face.mean_dim(0));
        normalize(Tensor::cat(means.collect(), 0))
    }
}

impl Stage for ImageStage<'_> {
    type Model = ImageLearner;

    fn init(&self, device: &Device) -> ImageLearner {
        ImageLearner::new(&self.tower, device)
    }

    fn step(&mut self, learner: &ImageLearner, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let device = learner.log_scale.device();
        let batch: Vec<usize> = (0..self.learning.portraits)
            .map(|_| rng.random_range(0..self.faces.len()))
            .collect();
        let faces: Vec<_> = batch.iter().map(|&index| &self.faces[index]).collect();
        let shown = Tensor::from_inner(
            self.text
                .faces
                .forward(faces.iter().map(|face| &face.attributes)),
        );
        let said = Tensor::from_inner(self.text_features(&faces));
        let seen = learner
            .tower
            .forward(self.portraits.images(&batch, &device));
        let regression = clip_score(seen.clone(), shown).neg().add_scalar(1.0).mean();
        let contrast = contrastive(seen, said, learner.log_scale.val());
        let total = regression.clone() * self.learning.regression
            + contrast.clone() * self.learning.contrast;
        let parts = [("regression", &regression), ("contrast", &contrast)];
        Ok(StepOutput::backward(learner, &total, &parts, batch.len()))
    }

    /// Cosine to the features of the attributes, and how often a held-out caption finds its portrait
    /// among [`GALLERY`].
    fn evaluate(&mut self, average: &ImageLearner) -> Result<Evaluation> {
        let device = average.log_scale.device();
        let (mut cosine, mut found, mut count) = (0.0, 0.0, 0.0);
        for (i, gallery) in self.held_out.chunks_exact(GALLERY).enumerate() {
            let first = self.faces.len() + i * GALLERY;
            let indices: Vec<usize> = (first..first + GALLERY).collect();
            let seen = average
                .tower
                .forward(self.portraits.images(&indices, &device));
            let shown = self
                .text
                .faces
                .forward(gallery.iter().map(|face| &face.attributes));
            cosine += clip_score(seen.clone(), shown).mean().into_scalar::<f64>();
            let said = self.text_features(&gallery.iter().collect::<Vec<_>>());
            let nearest: Vec<i64> = normalize(said)
                .matmul(normalize(seen).transpose())
                .argmax(1)
                .into_data()
                .iter()
                .collect();
            found += nearest
                .iter()
                .zip(0..)
                .filter(|&(&nearest, own)| nearest == own)
                .count() as f64;
            count += 1.0;
        }
        let recall = found / (count * GALLERY as f64);
        let metrics = vec![
            ("recall_at_1".to_owned(), recall),
            ("cosine".to_owned(), cosine / count),
        ];
        Ok(Evaluation {
            score: recall,
            metrics,
        })
    }
}
