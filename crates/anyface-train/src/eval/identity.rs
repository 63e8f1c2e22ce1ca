//! Identity: does an edited face still show the same person?

use anyface::photograph::keep_details;
use anyface::probe::Probe;
use anyface::{Edit, Engine, REFINEMENT_STEPS};
use anyface_portraits::Attribute;
use image::RgbImage;
use serde::Serialize;

use super::mean;
use super::rank::{CANDIDATES, cosine, others, rank, share_below};
use super::reading::{Reading, read};
use crate::error::{Result, TrainError};
use crate::progress::Progress;
use anyface::recognizer::Recognizer;

/// Edit text, attribute, and whether the edit adds (`true`) or removes it. The edits do not change
/// the person.
const EDITS: [(&str, Attribute, bool); 8] = [
    ("smiling", Attribute::Smiling, true),
    ("with eyes closed", Attribute::ClosedEyes, true),
    ("wearing glasses", Attribute::Eyeglasses, true),
    ("with blond hair", Attribute::BlondHair, true),
    ("with black hair", Attribute::BlackHair, true),
    ("wearing a hat", Attribute::WearingHat, true),
    ("wearing lipstick", Attribute::WearingLipstick, true),
    ("old", Attribute::Young, false),
];

/// Strength of the edits.
const STRENGTH: f64 = 0.5;

/// Result of `eval identity`.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    /// "identity".
    pub suite: &'static str,
    /// Number of inverted pictures.
    pub samples: usize,
    /// Fraction of edited faces that the recogniser finds nearer to their own picture than to each
    /// of 99 others, mean over edits.
    pub value: f64,
    /// The same for faces that are inverted only.
    pub reference: f64,
    /// Name of the recogniser: "mobilefacenet".
    pub features: &'static str,
    /// Cosine similarity of an edited face and its picture, mean over edits.
    pub cosine: f64,
    /// The same for faces that are inverted only.
    pub inversion_cosine: f64,
    /// Relative face recognition rate: fraction of faces where the edit is nearer to the picture
    /// than the layer crossover. A tie counts half. Mean over edits.
    pub rfrr: f64,
    /// As `value`, for the layer crossover.
    pub crossover: f64,
    /// As `value`, for edits that keep the details of the picture.
    pub with_details: f64,
    /// Increase of the fraction of faces in which the probe sees the requested state, from before
    /// to after the edit. Mean over edits. `None` without a probe.
    pub shown: Option<f64>,
    /// The same for edits that keep the details of the picture.
    pub shown_with_details: Option<f64>,
    /// A row per edit.
    pub table: Vec<IdentityRow>,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IdentityRow {
    /// Text of the edit.
    pub edit: &'static str,
    /// As [`Identity::value`], for this edit.
    pub recognised: f64,
    /// As in [`Identity`], for this edit.
    pub cosine: f64,
    /// As in [`Identity`], for this edit.
    pub rfrr: f64,
    /// As in [`Identity`], for this edit.
    pub crossover: f64,
    /// As in [`Identity`], for this edit.
    pub with_details: f64,
    /// As in [`Identity`], for this edit.
    pub shown: Option<f64>,
    /// As in [`Identity`], for this edit.
    pub shown_with_details: Option<f64>,
}

/// Measurements of one method over all faces: cosine similarity to the own picture, its rank, and
/// whether the requested state is visible.
#[derive(Default)]
struct Seen {
    cosines: Vec<f64>,
    ranks: Vec<usize>,
    shown: Vec<f64>,
}

impl Seen {
    fn add(&mut self, feature: &[f64], own: usize, others: &[usize], pool: &[Vec<f64>]) {
        self.cosines.push(cosine(feature, &pool[own]));
        self.ranks.push(rank(feature, own, others, pool));
    }

    fn rate(&self) -> f64 {
        share_below(&self.ranks, 1)
    }

    fn cosine(&self) -> f64 {
        mean(self.cosines.iter().copied()).unwrap_or(0.0)
    }

    /// Increase of the fraction of faces with the requested state over `before`.
    fn shown(&self, before: &[f64]) -> Option<f64> {
        let share = |shown: &[f64]| mean(shown.iter().copied());
        Some(share(&self.shown)? - share(before)?)
    }
}

/// Measurements of all methods for one edit.
#[derive(Default)]
struct Ways {
    edited: Seen,
    detailed: Seen,
    crossed: Seen,
    /// Whether each original face has the requested state (0 or 1).
    before: Vec<f64>,
}

impl Ways {
    fn row(&self, edit: &'static str) -> IdentityRow {
        IdentityRow {
            edit,
            recognised: self.edited.rate(),
            cosine: self.edited.cosine(),
            rfrr: relative_rate(&self.edited.cosines, &self.crossed.cosines),
            crossover: self.crossed.rate(),
            with_details: self.detailed.rate(),
            shown: self.edited.shown(&self.before),
            shown_with_details: self.detailed.shown(&self.before),
        }
    }
}

/// Inverts the first `samples` of the aligned square `faces`, applies every edit at strength 0.5,
/// and ranks the original among 100 candidate pictures.
///
/// # Errors
/// [`TrainError::TooFew`] faces, or errors of [`Engine::invert`] and [`Engine::edit`].
pub fn identity(
    engine: &Engine,
    probe: Option<&Probe>,
    recognizer: &Recognizer,
    faces: &[RgbImage],
    samples: usize,
    seed: u64,
) -> Result<Identity> {
    if faces.len() < CANDIDATES {
        return Err(TrainError::TooFew {
            what: "faces",
            found: faces.len(),
            needed: CANDIDATES,
        });
    }
    let pool: Vec<Vec<f64>> = faces.iter().map(|face| recognizer.identity(face)).collect();
    let samples = samples.min(faces.len());
    let mut progress = Progress::new(0, samples as u64);
    let mut inverted = Seen::default();
    let mut ways: Vec<Ways> = EDITS.iter().map(|_| Ways::default()).collect();
    for (own, face) in faces[..samples].iter().enumerate() {
        let latent = engine.invert(face, REFINEMENT_STEPS);
        let drawn = engine.draw(&latent);
        let others = others(own, pool.len(), seed);
        let add = |seen: &mut Seen, picture: &RgbImage| {
            seen.add(&recognizer.identity(picture), own, &others, &pool);
        };
        add(&mut inverted, &drawn);
        let read = |picture: &RgbImage| probe.map(|probe| read(probe, picture));
        let before = read(face);
        for ((text, attribute, there), ways) in EDITS.into_iter().zip(&mut ways) {
            let edit = Edit {
                strength: STRENGTH,
                ..Edit::default()
            };
            let edited = engine.draw(&engine.edit(&latent, text, &edit)?);
            let detailed = keep_details(face, &drawn, &edited);
            let is_shown = |reading: &Reading| f64::from(u8::from(reading.has(attribute) == there));
            ways.before.extend(before.as_ref().map(is_shown));
            for (seen, picture) in [(&mut ways.edited, &edited), (&mut ways.detailed, &detailed)] {
                add(seen, picture);
                seen.shown.extend(read(picture).as_ref().map(is_shown));
            }
            let seed = seed.wrapping_add(own as u64);
            let crossed = engine.crossover(&latent, text, seed, crossover_layer(engine))?;
            add(&mut ways.crossed, &engine.draw(&crossed));
        }
        progress.show(own as u64 + 1, "faces");
    }
    let rows = EDITS.into_iter().zip(&ways);
    let table: Vec<IdentityRow> = rows.map(|((edit, ..), ways)| ways.row(edit)).collect();
    let over_edits = |value: fn(&IdentityRow) -> f64| mean(table.iter().map(value)).unwrap_or(0.0);
    Ok(Identity {
        suite: "identity",
        samples,
        value: over_edits(|row| row.recognised),
        reference: inverted.rate(),
        features: "mobilefacenet",
        cosine: over_edits(|row| row.cosine),
        inversion_cosine: inverted.cosine(),
        rfrr: over_edits(|row| row.rfrr),
        crossover: over_edits(|row| row.crossover),
        with_details: over_edits(|row| row.with_details),
        shown: mean(table.iter().filter_map(|row| row.shown)),
        shown_with_details: mean(table.iter().filter_map(|row| row.shown_with_details)),
        table,
    })
}

/// First layer of a crossover of strength [`STRENGTH`]: it replaces that fraction of the layers
/// that the text controls.
fn crossover_layer(engine: &Engine) -> usize {
    let layers = engine.described_layers();
    layers.end - (layers.len() as f64 * STRENGTH).round() as usize
}

/// Fraction of faces where the first method has the higher cosine. A tie counts half.
fn relative_rate(cosines: &[f64], of_other: &[f64]) -> f64 {
    let pairs = cosines.iter().zip(of_other);
    let won = pairs.map(|(a, b)| match a.total_cmp(b) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    });
    mean(won).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_cosine_wins_and_a_tie_counts_half() {
        assert_eq!(
            relative_rate(&[0.9, 0.5, 0.1, 0.3], &[0.8, 0.5, 0.2, -0.3]),
            0.625
        );
        assert_eq!(relative_rate(&[0.1], &[0.2]), 0.0);
    }

    #[test]
    fn a_face_is_recognised_when_its_own_picture_is_nearest() {
        let pool = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]].map(|x| x.to_vec());
        let mut seen = Seen::default();
        seen.add(&[0.8, 0.6], 0, &[1, 2], &pool);
        seen.add(&[0.0, 1.0], 1, &[0, 2], &pool);
        // The third picture is nearer to the first face (0.96) than its own picture is (0.8).
        assert_eq!(seen.ranks, [1, 0]);
        assert_eq!(seen.rate(), 0.5);
        assert!((seen.cosine() - 0.9).abs() < 1e-12);
    }
}
