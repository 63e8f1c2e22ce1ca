//! Is a face found again by its words?

use anyface::Engine;
use anyface_portraits::{Attribute, Attributes};
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
    /// What the labels of the faces would reach, had their pictures no say: the ceiling of perfect eyes, for captions about
    /// attributes of faces whose attributes are known.
    pub by_labels: Option<f64>,
    /// What value chance has.
    pub chance: f64,
    /// How often the own caption is among the five nearest.
    pub first_five: f64,
    /// The same of these pictures.
    pub reference_first_five: Option<f64>,
    /// "towers": the bundle's own.
    pub features: &'static str,
}

/// What a label that a caption denies counts against it; any one outweighs all that fits.
const DENIED: f64 = -100.0;

/// [`Retrieval::by_labels`]: what a caption says counts for as much as it is rare.
fn by_labels(prompts: &[Prompt], samples: usize, seed: u64) -> Option<f64> {
    let labels: Vec<Attributes> = prompts.iter().map(|p| p.truth.attributes()).collect();
    let is_known = |labels: &Attributes| *labels != Attributes::UNKNOWN;
    if !labels.iter().all(is_known) || prompts.iter().all(|prompt| prompt.said.is_empty()) {
        return None;
    }
    let rarity = |attribute: Attribute, state: bool| {
        let states = || labels.iter().filter_map(|labels| labels.get(attribute));
        let (count, all) = (
            states().filter(|&other| other == state).count(),
            states().count(),
        );
        -((count.max(1) as f64) / all.max(1) as f64).ln()
    };
    // A place for each attribute that is there, another for each that is not.
    let place = |attribute: Attribute, state: bool| 2 * attribute.index() + usize::from(state);
    let rarities: Vec<[f64; 2]> = Attribute::ALL
        .iter()
        .map(|&attribute| [false, true].map(|state| rarity(attribute, state)))
        .collect();
    let said = prompts.iter().map(|prompt| {
        let mut row = vec![0.0; 2 * Attribute::COUNT];
        for &(attribute, state) in &prompt.said {
            row[place(attribute, state)] = rarities[attribute.index()][usize::from(state)];
            row[place(attribute, !state)] = DENIED;
        }
        row
    });
    let pool: Vec<Vec<f64>> = said.collect();
    let ranks = labels[..samples].iter().enumerate().map(|(own, labels)| {
        let mut face = vec![0.0; 2 * Attribute::COUNT];
        for (attribute, state) in labels.iter() {
            if let Some(state) = state {
                face[place(attribute, state)] = 1.0;
            }
        }
        rank(&face, own, &others(own, pool.len(), seed), &pool)
    });
    Some(share_below(&ranks.collect::<Vec<_>>(), 1))
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
    let truncation = engine.config().truncation;
    let side = engine.resolution();
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
        by_labels: by_labels(prompts, samples, seed),
        chance: 1.0 / CANDIDATES as f64,
        first_five: share_below(&generated, FIRST),
        reference_first_five: of_real(FIRST),
        features: "towers",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Truth;

    fn prompt(said: &[(Attribute, bool)], labels: &[(Attribute, bool)]) -> Prompt {
        let mut attributes = Attributes::UNKNOWN;
        for &(attribute, state) in labels {
            attributes.set(attribute, Some(state));
        }
        Prompt {
            text: String::new(),
            said: said.to_vec(),
            truth: Truth::Photograph {
                picture: RgbImage::new(1, 1),
                attributes,
            },
        }
    }

    #[test]
    fn labels_find_the_caption_that_says_most_and_nothing_wrong() {
        use Attribute::{Male, Smiling};
        let man = [(Male, true), (Smiling, true)];
        let woman = [(Male, false), (Smiling, true)];
        let prompts = [
            prompt(&[(Male, true)], &man),
            // True of both, and so less than the others say.
            prompt(&[(Smiling, true)], &woman),
        ];
        assert_eq!(by_labels(&prompts, 2, 0), Some(1.0));
        let prompts = [
            prompt(&[(Smiling, true)], &man),
            prompt(&[(Smiling, true)], &woman),
            prompt(&[(Male, false)], &woman),
        ];
        // The first two say the same, the second of them fits the third face less than its own caption.
        assert_eq!(by_labels(&prompts, 3, 0), Some(1.0 / 3.0));
        let unknown = prompt(&[(Male, true)], &[]);
        assert_eq!(by_labels(&[unknown], 1, 0), None);
    }
}
