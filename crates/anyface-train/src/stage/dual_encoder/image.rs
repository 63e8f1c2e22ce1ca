//! Training of the image tower with a frozen text tower. This is LiT (Zhai et al. 2022,
//! arXiv 2111.07991) with the roles of the towers exchanged.
//!
//! Two losses: the cosine distance to the feature of the face's attributes, which is a target
//! without noise, and the contrast with the captions of the batch.

use anyface::clip::{
    Family, ImageTower, ImageTowerConfig, Preprocess, TextTower, Tokenizer, clip_score,
};
use anyface::layers::l2_normalize;
use anyface_portraits::caption::Caption;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::text::{FaceTower, initial_log_scale};
use crate::data::faces::{FaceSplit, Faces};
use crate::data::images::flip;
use crate::error::Result;
use crate::loss::contrastive;
use crate::progress::Progress;
use crate::run::{Evaluation, Stage, StepOutput};

/// Number of pictures per gallery in the evaluation.
pub(in crate::stage) const GALLERY: usize = 100;

/// A frozen text tower and its tokenizer.
#[derive(Debug)]
pub(in crate::stage) struct Words<'a> {
    pub(in crate::stage) tower: &'a TextTower,
    pub(in crate::stage) tokenizer: &'a Tokenizer,
    /// Maximum number of tokens per sentence.
    pub(in crate::stage) context: usize,
}

impl Words<'_> {
    /// Normalised mean features `[N, E]` of the sentences of each caption, without gradients.
    fn features(&self, captions: &[Caption]) -> Tensor<2> {
        let texts: Vec<&str> = captions
            .iter()
            .flat_map(|caption| &caption.sentences)
            .map(|sentence| sentence.text.as_str())
            .collect();
        let device = self.tower.devices().remove(0);
        let tokens = self.tokenizer.batch(&texts, self.context, &device);
        let features = l2_normalize(self.tower.forward(tokens));
        let counts = captions.iter().map(|caption| caption.sentences.len());
        let means = features.split_with_sizes(counts.collect(), 0);
        let means = means.into_iter().map(|of_face| of_face.mean_dim(0));
        l2_normalize(Tensor::cat(means.collect(), 0))
    }
}

/// Unit features of the captions of faces, computed once.
pub(in crate::stage) struct Said {
    /// Features by face and caption.
    features: Vec<Vec<Vec<f32>>>,
}

impl Said {
    /// Computes features of at most `captions` captions per face. Faces with precomputed features
    /// use those.
    fn read(faces: &dyn Faces, words: &Words<'_>, captions: usize) -> Self {
        let device = words.tower.devices().remove(0);
        let mut progress = Progress::new(0, faces.len() as u64);
        let features = (0..faces.len()).map(|face| {
            progress.show(face as u64 + 1, "faces' captions read");
            let brought = faces.features(face);
            let features = match brought.is_empty() {
                true => {
                    let count = faces.captions(face).min(captions);
                    let captions: Vec<_> = (0..count).map(|i| faces.caption(face, i)).collect();
                    words.features(&captions)
                }
                false => {
                    let rows = brought.iter().take(captions);
                    let rows = rows.map(|row| Tensor::<1>::from_floats(row.as_slice(), &device));
                    l2_normalize(Tensor::stack(rows.collect(), 0))
                }
            };
            let [_, dim] = features.dims();
            let values: Vec<f32> = features.into_data().iter().collect();
            values.chunks(dim).map(<[f32]>::to_vec).collect()
        });
        Self {
            features: features.collect(),
        }
    }

    /// Features of one caption per face, `[N, E]`, without gradients. `number` chooses an index
    /// below the number of captions.
    fn rows(
        &self,
        faces: &[usize],
        mut number: impl FnMut(usize) -> usize,
        device: &Device,
    ) -> Tensor<2> {
        let rows: Vec<&[f32]> = faces
            .iter()
            .map(|&face| {
                let captions = &self.features[face];
                captions[number(captions.len())].as_slice()
            })
            .collect();
        let dim = rows[0].len();
        Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), dim]), device)
    }
}

/// Source of the features of a face's attributes.
pub(in crate::stage) enum Shown<'a> {
    /// A frozen tower that was trained with the text tower.
    Frozen(&'a FaceTower),
    /// A tower that is trained together with the image tower.
    Learned,
    /// None, for faces with captions only.
    Nothing,
}

/// The image tower and the temperature of its contrast.
#[derive(Module, Debug)]
pub(in crate::stage) struct ImageLearner {
    /// The tower.
    pub(in crate::stage) tower: ImageTower,
    log_scale: Param<Tensor<1>>,
    faces: Option<FaceLearner>,
}

/// A tower over attributes and the temperature of its contrast.
#[derive(Module, Debug)]
struct FaceLearner {
    tower: FaceTower,
    log_scale: Param<Tensor<1>>,
}

/// Batch size and losses of the image tower.
#[derive(Debug, Clone)]
pub(in crate::stage) struct ImageLearning {
    /// Faces per step.
    pub(in crate::stage) batch: usize,
    /// Maximum number of captions per face.
    pub(in crate::stage) captions: usize,
    /// Weight of the contrast between captions and faces.
    pub(in crate::stage) contrast: f64,
    /// Weight of the cosine distance between the features of a face and of its attributes.
    pub(in crate::stage) regression: f64,
    /// Whether faces are flipped horizontally at random.
    pub(in crate::stage) flips: bool,
}

/// Trains an [`ImageLearner`].
pub(in crate::stage) struct ImageStage<'a> {
    tower: ImageTowerConfig,
    /// Preprocessing of the tower.
    preprocess: Preprocess,
    learning: ImageLearning,
    faces: FaceSplit,
    /// Captions of the training faces and of the held-out faces.
    said: [Said; 2],
    shown: Shown<'a>,
}

impl<'a> ImageStage<'a> {
    /// Computes the features of the captions of `faces`. All faces need a caption, and at least
    /// [`GALLERY`] must be held out.
    pub(in crate::stage) fn new(
        tower: ImageTowerConfig,
        family: Family,
        learning: ImageLearning,
        faces: FaceSplit,
        words: &Words<'_>,
        shown: Shown<'a>,
    ) -> Self {
        Self {
            preprocess: family.preprocess(tower.resolution()),
            said: [
                Said::read(&*faces.training, words, learning.captions),
                Said::read(&*faces.held_out, words, 1),
            ],
            tower,
            learning,
            faces,
            shown,
        }
    }

    /// Image features `[N, E]` of pictures `[N, 3, R, R]` in [−1, 1].
    fn see(&self, learner: &ImageLearner, images: Tensor<4>) -> Tensor<2> {
        learner.tower.forward(self.preprocess.images(images))
    }

    /// Features of the attributes of faces, `[N, E]`, with gradients.
    fn show(
        &self,
        learner: &ImageLearner,
        faces: &dyn Faces,
        indices: &[usize],
    ) -> Option<Tensor<2>> {
        let attributes: Vec<_> = indices.iter().map(|&i| faces.attributes(i)).collect();
        match (&self.shown, &learner.faces) {
            (Shown::Frozen(tower), _) => Some(tower.forward(&attributes)),
            (_, Some(learned)) => Some(learned.tower.forward(&attributes)),
            _ => None,
        }
    }
}

impl Stage for ImageStage<'_> {
    type Model = ImageLearner;

    fn init(&self, device: &Device) -> Result<ImageLearner> {
        let tower = self.tower.init(device);
        let faces = matches!(self.shown, Shown::Learned).then(|| FaceLearner {
            tower: FaceTower::new(self.tower.embed_dim(), device),
            log_scale: initial_log_scale(device),
        });
        Ok(ImageLearner {
            tower,
            log_scale: initial_log_scale(device),
            faces,
        })
    }

    fn step(&mut self, learner: &ImageLearner, rng: &mut ChaCha8Rng) -> Result<StepOutput> {
        let device = learner.log_scale.device();
        let faces = &*self.faces.training;
        let batch: Vec<usize> = (0..self.learning.batch)
            .map(|_| rng.random_range(0..faces.len()))
            .collect();
        let said = self.said[0].rows(&batch, |count| rng.random_range(0..count), &device);
        let images = faces.images(&batch, &device);
        let images = match self.learning.flips {
            true => flip(images, rng),
            false => images,
        };
        let seen = self.see(learner, images);

        let contrast = contrastive(seen.clone(), said.clone(), learner.log_scale.val());
        let mut total = contrast.clone() * self.learning.contrast;
        let mut parts = vec![("contrast", contrast)];
        if let Some(shown) = self.show(learner, faces, &batch) {
            let target = match &learner.faces {
                Some(learned) => {
                    let fit = contrastive(shown.clone(), said, learned.log_scale.val());
                    total = total + fit.clone();
                    parts.push(("attributes", fit));
                    shown.detach()
                }
                None => Tensor::from_inner(shown),
            };
            let regression = clip_score(seen, target).neg().add_scalar(1.0).mean();
            total = total + regression.clone() * self.learning.regression;
            parts.push(("regression", regression));
        }
        let parts: Vec<_> = parts.iter().map(|(name, loss)| (*name, loss)).collect();
        Ok(StepOutput::backward(learner, &total, &parts, batch.len()))
    }

    /// Recall at 1 of held-out captions in galleries of [`GALLERY`] faces, by picture and by
    /// attributes (the ceiling), and the cosine similarity of the two features.
    fn evaluate(&mut self, ema: &ImageLearner) -> Result<Evaluation> {
        let device = ema.log_scale.device();
        let faces = &*self.faces.held_out;
        let all: Vec<usize> = (0..faces.len()).collect();
        let (mut found, mut found_by_attributes, mut cosine) = (0, 0, 0.0);
        let galleries = all.chunks_exact(GALLERY);
        let count = galleries.len() as f64;
        for gallery in galleries {
            let said = self.said[1].rows(gallery, |_| 0, &device);
            let seen = self.see(ema, faces.images(gallery, &device));
            found += matches(said.clone(), seen.clone());
            if let Some(shown) = self.show(ema, faces, gallery) {
                found_by_attributes += matches(said, shown.clone());
                cosine += clip_score(seen, shown).mean().into_scalar::<f64>();
            }
        }
        let part = |found: usize| found as f64 / (count * GALLERY as f64);
        let mut metrics = vec![("recall_at_1".to_owned(), part(found))];
        if !matches!(self.shown, Shown::Nothing) {
            metrics.extend([
                ("recall_by_attributes".to_owned(), part(found_by_attributes)),
                ("cosine".to_owned(), cosine / count),
            ]);
        }
        Ok(Evaluation {
            score: part(found),
            metrics,
        })
    }
}

/// Number of rows of `said [N, E]` with the row of the same index in `faces [N, E]` as nearest
/// neighbour.
fn matches(said: Tensor<2>, faces: Tensor<2>) -> usize {
    let nearest = l2_normalize(said).matmul(l2_normalize(faces).transpose());
    let nearest: Vec<i64> = nearest.argmax(1).into_data().iter().collect();
    let pairs = nearest.iter().zip(0..);
    pairs.filter(|&(&nearest, own)| nearest == own).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_the_nearest_row_with_the_same_index() {
        let device = Device::flex();
        let said = Tensor::from_floats([[1.0, 0.1], [0.2, 1.0], [1.0, 0.0]], &device);
        let faces = Tensor::from_floats([[5.0, 0.0], [0.0, 0.1], [0.0, 1.0]], &device);
        assert_eq!(matches(said, faces), 2);
    }
}
