//! Edits in style space by StyleCLIP's global directions. They are computed once for a generator
//! and its CLIP towers; then an edit by any text takes the time of one text feature.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use super::edit::NEUTRAL;
use super::{Engine, Latent};
use crate::Error;
use crate::bundle::Truncation;
use crate::layers::l2_normalize;
use crate::mapper::{GlobalDirections, GlobalDirectionsConfig};

/// Number of random faces for the standard deviation of each style.
const FACES_OF_DEVIATION: u64 = 1000;

/// Standard deviations by which a style is moved to measure its effect (α of −5 and 5 in the
/// reference's `global_directions/PlayInteractively.py`).
const STEP: f64 = 5.0;

/// Standard deviations that the most relevant style moves at strength 1, as in the reference's
/// demo.
const ALPHA: f64 = 4.1;

/// β in the reference's demo.
pub const RELEVANCE_THRESHOLD: f64 = 0.15;

impl Engine {
    /// Measures the change of CLIP's feature for every style, averaged over `pictures` random
    /// faces. `done` is called for every finished style.
    pub fn prepare_directions(
        &self,
        pictures: u64,
        mut done: impl FnMut(usize),
    ) -> (GlobalDirectionsConfig, GlobalDirections) {
        let deviation = self.style_deviation();
        let faces: Vec<_> = (0..pictures)
            .map(|seed| self.random_face(seed, self.config.truncation))
            .collect();
        let [width] = deviation.dims();
        let features = (0..width).map(|style| {
            let one = Tensor::<1>::from_floats([1.0], &self.device);
            let start = style..style + 1;
            let axis = Tensor::zeros([width], &self.device).slice_assign([start], one);
            let step = (axis * deviation.clone()).unsqueeze::<2>();
            let changes = faces.iter().map(|face| self.feature_change(face, &step));
            let mean = Tensor::cat(changes.collect(), 0).mean_dim(0);
            done(style + 1);
            l2_normalize(mean)
        });
        let features = Tensor::cat(features.collect(), 0);
        let [style_width, feature_dim] = features.dims();
        let directions = GlobalDirections {
            features: Param::from_tensor(features),
            deviation: Param::from_tensor(deviation),
        };
        let config = GlobalDirectionsConfig {
            style_width,
            feature_dim,
        };
        (config, directions)
    }

    /// Edits a face by the bundle's global directions. Styles with a relevance to `text` below
    /// `threshold` (0 to 1) do not change: a higher threshold changes fewer other things.
    /// `strength` can be any number: 1 is clearly visible, −1 is the opposite.
    ///
    /// # Errors
    /// [`Error::Bundle`] if the bundle has no directions; [`Error::OutOfRange`] if the threshold
    /// leaves no style or the strength is not a number; the errors of [`Engine::describe`].
    pub fn edit_styles(
        &self,
        face: &Latent,
        text: &str,
        strength: f64,
        threshold: f64,
    ) -> Result<Latent, Error> {
        let directions = self.directions.as_ref().ok_or_else(|| Error::Bundle {
            file: "config.json".to_owned(),
            reason: "the bundle has no `directions`: `anyface prepare directions` computes them"
                .to_owned(),
        })?;
        if !strength.is_finite() {
            return Err(Error::OutOfRange {
                name: "strength",
                range: "a number",
                value: strength.to_string(),
            });
        }
        let change = self.describe(&[text])?.mean() - self.describe(&[NEUTRAL])?.mean();
        let relevance = directions.relevance(change);
        let most: f32 = relevance.clone().abs().max().into_scalar();
        if !(0.0..=f64::from(most)).contains(&threshold) {
            return Err(Error::OutOfRange {
                name: "threshold",
                range: "between 0 and the largest relevance of a style to the text",
                value: format!("{threshold}; the largest relevance is {most:.3}"),
            });
        }
        let direction = directions.direction(relevance, threshold);
        Ok(face.restyled(&direction, ALPHA * strength))
    }

    /// Standard deviation of each style over random faces, `[S]`.
    fn style_deviation(&self) -> Tensor<1> {
        let truncation = Truncation {
            psi: 1.0,
            ..self.config.truncation
        };
        let synthesis = &self.generator.synthesis;
        let mut sums = vec![[0.0; 2]; self.config.generator.style_width()];
        for seed in 0..FACES_OF_DEVIATION {
            let w_plus = self.random_face(seed, truncation).w_plus;
            let styles: Vec<f64> = synthesis.styles(w_plus).into_data().iter().collect();
            for ([sum, squares], style) in sums.iter_mut().zip(styles) {
                *sum += style;
                *squares += style * style;
            }
        }
        let count = FACES_OF_DEVIATION as f64;
        let deviation = |[sum, squares]: [f64; 2]| {
            let mean = sum / count;
            (squares / count - mean * mean).max(0.0).sqrt() as f32
        };
        let values: Vec<f32> = sums.into_iter().map(deviation).collect();
        let width = values.len();
        Tensor::from_data(TensorData::new(values, [width]), &self.device)
    }

    /// Direction in which CLIP's feature of a face moves between `−STEP` and `STEP` times a change
    /// of its styles `[1, S]`: `[1, E]`, of unit length.
    fn feature_change(&self, face: &Latent, change: &Tensor<2>) -> Tensor<2> {
        let [before, after] = [-STEP, STEP].map(|steps| {
            let face = face.restyled(change, steps);
            let (offset, noise) = (face.style_offset.as_ref(), self.config.noise.noise());
            let synthesis = &self.synthesis;
            let picture = synthesis.forward_restyled(face.w_plus.clone(), offset, noise);
            let pixels = self.preprocess.images(picture);
            l2_normalize(self.image_tower.forward(pixels))
        });
        l2_normalize(after - before)
    }
}
