//! Retrieval: does a face identify its caption?

use anyface::Engine;
use anyface_portraits::{Attribute, Attributes};
use image::RgbImage;
use serde::Serialize;

use super::prompts::Prompt;
use super::rank::{CANDIDATES, others, rank, share_below};
use crate::error::{Result, TrainError};
use crate::progress::Progress;

/// K of the recall at K.
const FIRST: usize = 5;

/// Result of `eval retrieval`: R-precision as in AttnGAN (Xu et al. 2018, arXiv 1711.10485).
#[derive(Debug, Clone, Serialize)]
pub struct Retrieval {
    /// "retrieval".
    pub suite: &'static str,
    /// Number of captions, with one face each.
    pub samples: usize,
    /// Fraction of faces nearer to their own caption than to each of 99 others, by cosine
    /// similarity of the bundle's towers.
    pub value: f64,
    /// The same for pictures of the described faces, if known.
    pub reference: Option<f64>,
    /// Fraction that the labels of the faces reach without pictures. This is the ceiling of a
    /// perfect attribute reader, for captions about attributes of labelled faces.
    pub by_labels: Option<f64>,
    /// Value of random choice.
    pub chance: f64,
    /// Fraction of faces with their own caption among the five nearest.
    pub first_five: f64,
    /// The same for pictures of the described faces.
    pub reference_first_five: Option<f64>,
    /// Name of the features: "towers" of the bundle.
    pub features: &'static str,
}

/// Score of a label that contradicts the caption. It outweighs all matches.
const DENIED: f64 = -100.0;

/// [`Retrieval::by_labels`]. A matching statement counts by its rarity, `−ln p`.
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
    // Two entries per attribute: present and absent.
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

/// Draws a face for each of the first `samples` prompts and ranks its caption among 100 candidates.
///
/// # Errors
/// [`TrainError::TooFew`] prompts, or errors of [`Engine::describe`].
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
    fn labels_find_the_most_specific_caption_without_contradiction() {
        use Attribute::{Male, Smiling};
        let man = [(Male, true), (Smiling, true)];
        let woman = [(Male, false), (Smiling, true)];
        let prompts = [
            prompt(&[(Male, true)], &man),
            // Matches both faces, so it is less specific.
            prompt(&[(Smiling, true)], &woman),
        ];
        assert_eq!(by_labels(&prompts, 2, 0), Some(1.0));
        let prompts = [
            prompt(&[(Smiling, true)], &man),
            prompt(&[(Smiling, true)], &woman),
            prompt(&[(Male, false)], &woman),
        ];
        // The first two captions are equal. The second fits the third face less than its own
        // caption does.
        assert_eq!(by_labels(&prompts, 3, 0), Some(1.0 / 3.0));
        let unknown = prompt(&[(Male, true)], &[]);
        assert_eq!(by_labels(&[unknown], 1, 0), None);
    }
}
