//! Is a face found again by its words?

use anyface::Engine;
use image::RgbImage;
use serde::Serialize;

use super::prompts::Prompt;
use super::rank::{CANDIDATES, others, rank, share_below};
use crate::error::{Result, TrainError};
use crate::progress::Progress;

/// The other rank that is counted.
const FIRST: usize = 5;

/// Result of `eval retrieval`: R-precision, as AttnGAN measures it (Xu et al. 2018, arXiv 1711.10485).
#[derive(Debug, Clone, Serialize)]
pub struct Retrieval {
    /// "retrieval".
    pub suite: &'static str,
    /// Captions, each with one face.
    pub samples: usize,
    /// How often the face's own caption is nearer to it than each of 99 others, by the cosine of the bundle's towers.
    pub value: f64,
    /// The same of pictures of the faces that the captions were written of, where these are known.
    pub reference: Option<f64>,
    /// What value chance has.
    pub chance: f64,
    /// How often the own caption is among the five nearest.
    pub first_five: f64,
    /// The same of these pictures.
    pub reference_first_five: Option<f64>,
    /// "towers": the bundle's own.
    pub features: &'static str,
}

/// Draws a face for each of the first `samples` prompts and looks for its caption among a hundred of them.
///
/// # Errors
/// [`TrainError::TooFew`] prompts, or those of [`Engine::describe`].
pub fn retrieval(
    engine: &Engine,
    prompts: &[Prompt],
    samples: usize,
    seed: u64,
) -> Result<Retrieval> {
    if prompts.len() < CANDIDATES {
        return Err(TrainError::TooFew {
            what: "different captions",
            found: prompts.len(),
            needed: CANDIDATES,
        });
    }
    let descriptions = prompts
        .iter()
        .map(|prompt| Ok(engine.describe(&[&prompt.text])?))
        .collect::<Result<Vec<_>>>()?;
    let pool: Vec<Vec<f64>> = descriptions
        .iter()
        .map(|description| description.mean().into_data().iter().collect())
        .collect();
    let truncation = engine.truncation(None)?;
    let side = engine.config().generator.resolution() as u32;
    let ranked = |picture: &RgbImage, own: usize| {
        let feature = engine.image_feature(picture);
        let feature: Vec<f64> = feature.into_iter().map(f64::from).collect();
        rank(&feature, own, &others(own, pool.len(), seed), &pool)
    };

    let samples = samples.min(prompts.len());
    let mut progress = Progress::new(0, samples as u64);
    let mut generated = Vec::with_capacity(samples);
    let mut real = Vec::new();
    for (i, prompt) in prompts[..samples].iter().enumerate() {
        let face = engine.face(&descriptions[i], seed.wrapping_add(i as u64), truncation);
        generated.push(ranked(&face.image, i));
        let picture = prompt.truth.picture(side);
        real.extend(picture.map(|picture| ranked(&picture, i)));
        progress.show(i as u64 + 1, "faces");
    }
    let of_real = |limit| (!real.is_empty()).then(|| share_below(&real, limit));
    Ok(Retrieval {
        suite: "retrieval",
        samples,
        value: share_below(&generated, 1),
        reference: of_real(1),
        chance: 1.0 / CANDIDATES as f64,
        first_five: share_below(&generated, FIRST),
        reference_first_five: of_real(FIRST),
        features: "towers",
    })
}
