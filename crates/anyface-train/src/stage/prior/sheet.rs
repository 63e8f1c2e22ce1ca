//! Sample pictures of a prior.

use anyface::image::to_rgb;
use anyface::mapper::{FlowPrior, FlowSampling};
use anyface::stylegan2::Generator;
use burn::tensor::Tensor;
use image::RgbImage;

use super::points::Points;
use crate::stage::text_features::TextFeatures;

/// Descriptions of the rows, as lists of sentences. The last row is unconditional.
const ROWS: [&[&str]; 12] = [
    &["A woman."],
    &["A man."],
    &["A smiling young woman with blond hair."],
    &["An old man with gray hair."],
    &["A bald man with a beard."],
    &["A man with black hair.", "He wears glasses."],
    &["A woman with glasses."],
    &["A man with a hat."],
    &["A woman with black hair and bangs.", "She is not smiling."],
    &["A man with a goatee and a moustache."],
    &["A chubby old woman."],
    &[],
];

/// Number of seeds, one per column.
pub(super) const COLUMNS: usize = 8;

/// Text features `[C, E]` of the rows. `None` for the unconditional row.
pub(super) struct Sheet {
    rows: Vec<Option<Tensor<2>>>,
}

impl Sheet {
    pub(super) fn read(text_features: &TextFeatures) -> Self {
        let rows = ROWS.iter();
        let rows = rows.map(|texts| (!texts.is_empty()).then(|| text_features.read(texts)));
        Self {
            rows: rows.collect(),
        }
    }

    /// The faces of all rows, row by row.
    pub(super) fn draw(
        &self,
        prior: &FlowPrior,
        generator: &Generator,
        points: Points,
        sampling: FlowSampling,
    ) -> Vec<RgbImage> {
        let noise: Vec<_> = (0..COLUMNS as u64).map(|seed| prior.noise(seed)).collect();
        let noise = Tensor::cat(noise, 0);
        let rows = self.rows.iter().flat_map(|features| {
            let drawn = match features {
                Some(features) => {
                    let condition = prior.condition(features.clone().unsqueeze(), None);
                    prior.latents(noise.clone(), condition, sampling)
                }
                None => prior.unconditional_latents(noise.clone(), sampling.steps),
            };
            to_rgb(points.draw(generator, drawn))
        });
        rows.collect()
    }
}
