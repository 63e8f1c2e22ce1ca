//! Edits in the style space, by StyleCLIP's global directions: made once for a generator and its
//! towers, then any words change a face in the time of one look at them.

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

use super::edit::NEUTRAL;
use super::{Engine, Latent};
use crate::Error;
use crate::bundle::Truncation;
use crate::layers::l2_normalize;
use crate::mapper::{GlobalDirections, GlobalDirectionsConfig};

/// Random faces that tell how much each style varies.
const FACES_OF_DEVIATION: u64 = 1000;

/// Deviations that a style is moved by to see what it does (`global_directions/PlayInteractively.py`
/// of the reference: α of −5 and 5).
const STEP: f64 = 5.0;

/// Deviations that the most relevant style moves by at a strength of 1, as in the reference's demo.
const ALPHA: f64 = 4.1;

/// β of the reference's demo.
pub const RELEVANCE_THRESHOLD: f64 = 0.15;

impl Engine {
    /// Finds what every style changes of CLIP's feature: the mean over `pictures` random faces. `done`
    /// hears of every style that is finished.
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
            let changes = faces.iter().map(|face| self.seen_change(face, &step));
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

    /// Changes a face by the bundle's global directions. Styles that have less than `threshold`, 0
    /// to 1, to do with `text` stay: the higher it is, the less else changes. Any `strength` will
    /// do: 1 is plain to see, −1 the opposite.
    ///
    /// # Errors
    /// [`Error::Bundle`] when the bundle has no directions; [`Error::OutOfRange`] for a threshold
    /// that leaves no style, or a strength that is no number; as [`Engine::describe`].
    pub fn edit_styles(
        &self,
        face: &Latent,
        text: &str,
        strength: f64,
        threshold: f64,
    ) -> Result<Latent, Error> {
        let directions = self.directions.as_ref().ok_or_else(|| Error::Bundle {
            file: "config.json".to_owned(),
            reason: "no `directions` in this bundle: `anyface prepare directions` makes them"
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
                range: "between 0 and what the most relevant style has to do with the words",
                value: format!("{threshold}, where that is {most:.3}"),
            });
        }
        let direction = directions.direction(relevance, threshold);
        Ok(face.restyled(&direction, ALPHA * strength))
    }

    /// How much each style varies over random faces, `[S]`.
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

    /// Which way CLIP's feature of a face moves from `−STEP` to `STEP` times a change of its styles
    /// `[1, S]`: `[1, E]`, of unit length.
    fn seen_change(&self, face: &Latent, change: &Tensor<2>) -> Tensor<2> {
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
