//! Manipulation: do edits change the named attribute and nothing else?

use std::time::Instant;

use anyface::probe::Probe;
use anyface::{Edit, Engine, Error, Latent, REFINEMENT_STEPS};
use anyface_portraits::{Attribute, Attributes, Face, latent, render};
use image::RgbImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::mean;
use super::psnr::psnr_of_pictures;
use super::reading::{Reading, read};

/// Edit text and the attribute it adds.
const EDITS: [(&str, Attribute); 20] = [
    ("smiling", Attribute::Smiling),
    ("frowning", Attribute::Frowning),
    ("with eyes closed", Attribute::ClosedEyes),
    ("surprised", Attribute::Surprised),
    ("wearing glasses", Attribute::Eyeglasses),
    ("wearing sunglasses", Attribute::Sunglasses),
    ("with a full beard", Attribute::FullBeard),
    ("with a moustache", Attribute::Mustache),
    ("bald", Attribute::Bald),
    ("with long hair", Attribute::LongHair),
    ("with curly hair", Attribute::CurlyHair),
    ("with red hair", Attribute::RedHair),
    ("with blond hair", Attribute::BlondHair),
    ("with black hair", Attribute::BlackHair),
    ("wearing a knitted cap", Attribute::KnittedCap),
    ("old", Attribute::Elderly),
    ("chubby", Attribute::Chubby),
    ("with dark skin", Attribute::DarkSkin),
    ("wearing lipstick", Attribute::WearingLipstick),
    ("wearing earrings", Attribute::WearingEarrings),
];

/// Edits per face.
const EDITS_PER_FACE: usize = 4;
/// Number of faces with a strength curve.
const CURVES: usize = 50;
/// Strengths per curve.
const STRENGTHS: usize = 9;

/// Result of `eval manipulation`.
#[derive(Debug, Clone, Serialize)]
pub struct Manipulation {
    /// "manipulation".
    pub suite: &'static str,
    /// Number of rendered and inverted faces.
    pub samples: usize,
    /// Fraction of edits of strength 1 after which the probe sees the named attribute, mean over
    /// edits.
    pub changed: f64,
    /// Fraction of attributes unrelated to the edit with an unchanged reading, mean over edits.
    pub kept: f64,
    /// The same for the layer crossover.
    pub crossover_changed: f64,
    /// The same for the layer crossover.
    pub crossover_kept: f64,
    /// Spearman correlation of strength and the logit of the named attribute, mean over edits.
    /// Strength goes from 0 to 1 on faces without the attribute, and from −1 to 0 on the same faces
    /// with it.
    pub monotone: f64,
    /// Fraction of attributes with the same reading before and after inversion.
    pub inversion_kept: f64,
    /// PSNR of inversion in dB, mean over faces.
    pub inversion_psnr: f64,
    /// Distance of probe features between picture and inversion, mean over faces.
    pub inversion_distance: f64,
    /// Cosine similarity of image tower features before and after an edit, mean over edits.
    pub identity: f64,
    /// The same for the layer crossover.
    pub crossover_identity: f64,
    /// Median time to invert, edit and draw one face, in milliseconds.
    pub milliseconds: f64,
    /// A row per edit.
    pub table: Vec<EditRow>,
}

/// A row of the table.
#[derive(Debug, Clone, Serialize)]
pub struct EditRow {
    /// Text of the edit.
    pub edit: &'static str,
    /// Number of edited faces.
    pub faces: usize,
    /// As in [`Manipulation`], for this edit.
    pub changed: f64,
    /// As in [`Manipulation`], for this edit.
    pub kept: f64,
    /// As in [`Manipulation`], for this edit.
    pub identity: f64,
    /// As in [`Manipulation`], for this edit. `None` without curves.
    pub monotone: Option<f64>,
    /// As in [`Manipulation`], for this edit.
    pub crossover_changed: f64,
    /// As in [`Manipulation`], for this edit.
    pub crossover_kept: f64,
    /// As in [`Manipulation`], for this edit.
    pub crossover_identity: f64,
}

/// A rendered face and edits for attributes it lacks.
struct Sample {
    attributes: Attributes,
    picture: RgbImage,
    /// Indices in [`EDITS`], each with the same face changed to have the named attribute.
    edits: Vec<(usize, Face)>,
}

impl Sample {
    /// The face of a seed. Edits are chosen from the list starting at `first`.
    fn new(seed: u64, first: usize, resolution: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let z = latent::sample(&mut rng);
        let face = Face::from_latent(&z);
        let attributes = face.attributes();
        let mut edits = Vec::with_capacity(EDITS_PER_FACE);
        for edit in (0..EDITS.len()).map(|i| (first + i) % EDITS.len()) {
            let (_, attribute) = EDITS[edit];
            if edits.len() < EDITS_PER_FACE && attributes.lacks(attribute) {
                let target = latent::steer(&z, &[(attribute, true)], &mut rng);
                edits.extend(target.map(|z| (edit, Face::from_latent(&z))));
            }
        }
        Self {
            attributes,
            picture: render(&face, resolution),
            edits,
        }
    }
}

/// Measurements of one edit method, summed over faces.
#[derive(Default, Clone)]
struct Sums {
    faces: f64,
    changed: f64,
    kept: f64,
    identity: f64,
}

/// Probe reading and image tower feature of one picture.
struct Seen {
    reading: Reading,
    feature: Vec<f32>,
}

impl Seen {
    fn new(engine: &Engine, probe: &Probe, picture: &RgbImage) -> Self {
        Self {
            reading: read(probe, picture),
            feature: engine.image_feature(picture),
        }
    }
}

impl Sums {
    /// Adds an edit of `attribute`. Attributes for which `stays` is true should not change.
    fn add(
        &mut self,
        attribute: Attribute,
        before: &Seen,
        after: &Seen,
        stays: impl Fn(Attribute) -> bool,
    ) {
        self.faces += 1.0;
        self.changed += f64::from(u8::from(after.reading.has(attribute)));
        self.kept += agreement(&before.reading, &after.reading, stays);
        let pairs = before.feature.iter().zip(&after.feature);
        self.identity += pairs.map(|(a, b)| f64::from(a * b)).sum::<f64>();
    }

    /// Changed, kept and identity, as means over faces.
    fn means(&self) -> [f64; 3] {
        [self.changed, self.kept, self.identity].map(|sum| sum / self.faces)
    }
}

/// Inverts `samples` rendered faces and applies to each four edits for attributes it lacks.
///
/// The expected attributes come from the same face of the domain with the edited attribute. Only
/// attributes that are equal in both faces must stay: a beard may change the apparent sex, for
/// example.
///
/// # Errors
/// As [`Engine::invert`].
pub fn manipulation(
    engine: &Engine,
    probe: &Probe,
    samples: usize,
    seed: u64,
) -> Result<Manipulation, Error> {
    let resolution = engine.resolution();
    let mut direct = vec![Sums::default(); EDITS.len()];
    let mut crossover = direct.clone();
    let mut curves = vec![Vec::new(); EDITS.len()];
    let mut inversion = [0.0; 3];
    let mut times = Vec::new();
    for i in 0..samples {
        let seed = seed.wrapping_add(i as u64);
        let sample = Sample::new(seed, i * EDITS_PER_FACE, resolution);
        let start = Instant::now();
        let latent = engine.invert(&sample.picture, REFINEMENT_STEPS);
        let inverting = start.elapsed();

        let inverted = engine.draw(&latent);
        let before = Seen::new(engine, probe, &inverted);
        let original = read(probe, &sample.picture);
        let known = |a| sample.attributes.get(a).is_some();
        inversion[0] += agreement(&original, &before.reading, known);
        inversion[1] += psnr_of_pictures(&sample.picture, &inverted);
        inversion[2] += original.distance(&before.reading);

        for (edit, target) in &sample.edits {
            let (text, attribute) = EDITS[*edit];
            let wanted = target.attributes();
            let stays = |a| known(a) && sample.attributes.get(a) == wanted.get(a);
            let start = Instant::now();
            let edited = engine.draw(&engine.edit(&latent, text, &Edit::default())?);
            times.push((inverting + start.elapsed()).as_secs_f64() * 1000.0);
            let after = Seen::new(engine, probe, &edited);
            direct[*edit].add(attribute, &before, &after, stays);

            let crossed = engine.crossover(&latent, text, seed, engine.described_layers().start)?;
            let after = Seen::new(engine, probe, &engine.draw(&crossed));
            crossover[*edit].add(attribute, &before, &after, stays);
            if i < CURVES {
                curves[*edit].push(monotony(engine, probe, &latent, *edit, 0.0)?);
                let with = engine.invert(&render(target, resolution), REFINEMENT_STEPS);
                curves[*edit].push(monotony(engine, probe, &with, *edit, -1.0)?);
            }
        }
    }
    let table = table(&direct, &crossover, &curves);
    let over_edits = |value: fn(&EditRow) -> f64| mean(table.iter().map(value)).unwrap_or(0.0);
    let [inversion_kept, inversion_psnr, inversion_distance] =
        inversion.map(|sum| sum / samples as f64);
    times.sort_by(f64::total_cmp);
    Ok(Manipulation {
        suite: "manipulation",
        samples,
        changed: over_edits(|row| row.changed),
        kept: over_edits(|row| row.kept),
        identity: over_edits(|row| row.identity),
        crossover_changed: over_edits(|row| row.crossover_changed),
        crossover_kept: over_edits(|row| row.crossover_kept),
        crossover_identity: over_edits(|row| row.crossover_identity),
        monotone: mean(table.iter().filter_map(|row| row.monotone)).unwrap_or(0.0),
        inversion_kept,
        inversion_psnr,
        inversion_distance,
        milliseconds: times.get(times.len() / 2).copied().unwrap_or(0.0),
        table,
    })
}

/// Rows of all edits that were applied.
fn table(direct: &[Sums], crossover: &[Sums], curves: &[Vec<f64>]) -> Vec<EditRow> {
    let done = (0..EDITS.len()).filter(|&edit| direct[edit].faces > 0.0);
    done.map(|edit| {
        let [changed, kept, identity] = direct[edit].means();
        let [crossover_changed, crossover_kept, crossover_identity] = crossover[edit].means();
        EditRow {
            edit: EDITS[edit].0,
            faces: direct[edit].faces as usize,
            changed,
            kept,
            identity,
            monotone: mean(curves[edit].iter().copied()),
            crossover_changed,
            crossover_kept,
            crossover_identity,
        }
    })
    .collect()
}

/// Spearman correlation of the strength of an edit, from `first` to `first + 1`, and the probe's
/// logit of the named attribute.
fn monotony(
    engine: &Engine,
    probe: &Probe,
    latent: &Latent,
    edit: usize,
    first: f64,
) -> Result<f64, Error> {
    let (text, attribute) = EDITS[edit];
    let way = Edit {
        strength: first,
        ..Edit::default()
    };
    let direction = engine.direction(latent, text, &way)?;
    let logits: Vec<f32> = (0..STRENGTHS)
        .map(|i| {
            let strength = first + i as f64 / (STRENGTHS - 1) as f64;
            let picture = engine.draw(&latent.moved(&direction, strength));
            read(probe, &picture).logit(attribute)
        })
        .collect();
    Ok(rank_correlation(&logits))
}

/// Spearman correlation of distinct values with their indices.
pub(super) fn rank_correlation(values: &[f32]) -> f64 {
    let n = values.len() as f64;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let squares = order.iter().enumerate().map(|(rank, &place)| {
        let difference = rank as f64 - place as f64;
        difference * difference
    });
    1.0 - 6.0 * squares.sum::<f64>() / (n * (n * n - 1.0))
}

/// Fraction of the attributes selected by `counts` that have the same reading in both pictures.
fn agreement(a: &Reading, b: &Reading, counts: impl Fn(Attribute) -> bool) -> f64 {
    let counted = Attribute::ALL
        .iter()
        .filter(|&&attribute| counts(attribute));
    let same = counted.map(|&attribute| f64::from(u8::from(a.has(attribute) == b.has(attribute))));
    mean(same).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rank_correlation_by_hand() {
        assert_eq!(rank_correlation(&[-2.0, 0.0, 0.5, 9.0]), 1.0);
        assert_eq!(rank_correlation(&[3.0, 2.0, 1.0]), -1.0);
        // Ranks 1, 3, 2, 4: two differences of 1.
        assert!((rank_correlation(&[0.0, 2.0, 1.0, 3.0]) - 0.8).abs() < 1e-12);
    }

    #[test]
    fn every_edit_adds_a_missing_attribute() {
        for seed in 0..8 {
            let sample = Sample::new(seed, 3 * seed as usize, 16);
            assert_eq!(sample.edits.len(), EDITS_PER_FACE);
            for (edit, target) in &sample.edits {
                assert!(sample.attributes.lacks(EDITS[*edit].1));
                assert!(target.attributes().has(EDITS[*edit].1));
            }
        }
    }
}
