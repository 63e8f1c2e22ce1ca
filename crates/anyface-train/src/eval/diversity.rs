//! Diversity: do different seeds give different faces for one description?

use anyface::probe::Probe;
use anyface::{Engine, Error};
use anyface_portraits::caption::{Caption, Grammar, Split};
use anyface_portraits::{Attribute, Face, latent, render};
use image::RgbImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::mean;
use super::perceptual::{Perceptual, Seen};
use super::reading::{Reading, read};

/// Faces per description.
const SEEDS: usize = 16;

/// Result of `eval diversity`.
#[derive(Debug, Clone, Serialize)]
pub struct Diversity {
    /// "diversity".
    pub suite: &'static str,
    /// Number of descriptions, with 16 faces each.
    pub samples: usize,
    /// Mean pairwise distance of probe features between faces of one description, see
    /// [`Reading::distance`].
    pub distance: f64,
    /// The same for renders that match the description and are random otherwise.
    pub reference_distance: f64,
    /// Mean entropy in bits of the attributes that the description does not mention.
    pub entropy: f64,
    /// The same for the renders.
    pub reference_entropy: f64,
    /// LPIPS, if its weights are available.
    #[serde(flatten)]
    pub perceptual: Option<PerceptualDiversity>,
}

/// LPIPS of the faces of one description. A higher distance between them means more diversity. A
/// higher distance to the described face means less similarity.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct PerceptualDiversity {
    /// Mean pairwise LPIPS between faces of one description.
    pub lpips: f64,
    /// The same for renders that match the description.
    pub reference_lpips: f64,
    /// Mean LPIPS between the faces and the render of the described face.
    pub lpips_to_truth: f64,
    /// The same for the other renders that match the description.
    pub reference_lpips_to_truth: f64,
}

/// Compares 16 faces of each held-out caption with 16 renders that match it.
///
/// # Errors
/// As [`Engine::describe`].
pub fn diversity(
    engine: &Engine,
    probe: &Probe,
    perceptual: Option<&Perceptual>,
    samples: usize,
    seed: u64,
) -> Result<Diversity, Error> {
    let grammar = Grammar::new(Split::HeldOut);
    let truncation = engine.config().truncation;
    let resolution = engine.resolution();
    let mut sums = [0.0; 4];
    let mut looks = [0.0; 4];
    for i in 0..samples as u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(i));
        let face = Face::from_latent(&latent::sample(&mut rng));
        let caption = grammar.caption(&face.attributes(), &mut rng);
        let description = engine.describe(&[&caption.text])?;
        let generated: Vec<RgbImage> = (0..SEEDS as u64)
            .map(|k| engine.face(&description, k, truncation).image)
            .collect();
        let rendered: Vec<RgbImage> = (0..SEEDS)
            .map(|_| {
                let z = latent::sample(&mut rng);
                let z = latent::steer(&z, &caption.said, &mut rng).unwrap_or(z);
                render(&Face::from_latent(&z), resolution)
            })
            .collect();
        if let Some(perceptual) = perceptual {
            let truth = perceptual.see(&render(&face, resolution));
            let [own, reference] =
                [&generated, &rendered].map(|faces| looks_of(perceptual, faces, &truth));
            for (sum, value) in looks.iter_mut().zip([own, reference].concat()) {
                *sum += value;
            }
        }
        let [generated, rendered] = [generated, rendered].map(|faces| {
            faces
                .iter()
                .map(|face| read(probe, face))
                .collect::<Vec<_>>()
        });
        sums[0] += mean_distance(&generated, Reading::distance);
        sums[1] += mean_distance(&rendered, Reading::distance);
        sums[2] += mean_entropy(&generated, &caption);
        sums[3] += mean_entropy(&rendered, &caption);
    }
    let [distance, reference_distance, entropy, reference_entropy] =
        sums.map(|sum| sum / samples as f64);
    let [
        lpips,
        lpips_to_truth,
        reference_lpips,
        reference_lpips_to_truth,
    ] = looks.map(|sum| sum / samples as f64);
    Ok(Diversity {
        suite: "diversity",
        samples,
        distance,
        reference_distance,
        entropy,
        reference_entropy,
        perceptual: perceptual.map(|_| PerceptualDiversity {
            lpips,
            reference_lpips,
            lpips_to_truth,
            reference_lpips_to_truth,
        }),
    })
}

/// Mean LPIPS between the faces, and between the faces and `truth`.
fn looks_of(perceptual: &Perceptual, faces: &[RgbImage], truth: &Seen) -> [f64; 2] {
    let seen: Vec<Seen> = faces.iter().map(|face| perceptual.see(face)).collect();
    let to_truth = seen.iter().map(|face| perceptual.distance(face, truth));
    [
        mean_distance(&seen, |a, b| perceptual.distance(a, b)),
        mean(to_truth).unwrap_or(0.0),
    ]
}

/// Mean distance over all pairs.
fn mean_distance<T>(faces: &[T], distance: impl Fn(&T, &T) -> f64) -> f64 {
    let pairs = (0..faces.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    mean(pairs.map(|(i, j)| distance(&faces[i], &faces[j]))).unwrap_or(0.0)
}

/// Mean binary entropy over the attributes that the caption does not mention.
fn mean_entropy(readings: &[Reading], caption: &Caption) -> f64 {
    let open: Vec<f64> = Attribute::ALL
        .iter()
        .filter(|attribute| caption.said.iter().all(|(said, _)| said != *attribute))
        .map(|&attribute| {
            let seen = readings
                .iter()
                .filter(|reading| reading.has(attribute))
                .count();
            binary_entropy(seen as f64 / readings.len() as f64)
        })
        .collect();
    open.iter().sum::<f64>() / open.len().max(1) as f64
}

/// `−p log₂ p − (1 − p) log₂ (1 − p)`.
fn binary_entropy(p: f64) -> f64 {
    [p, 1.0 - p]
        .into_iter()
        .filter(|&p| p > 0.0)
        .map(|p| -p * p.log2())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_counts_once() {
        assert_eq!(
            mean_distance(&[1.0, 4.0, 9.0f64], |a, b| (a - b).abs()),
            16.0 / 3.0
        );
    }

    #[test]
    fn entropy_is_one_bit_at_a_half_and_zero_at_the_ends() {
        assert_eq!(binary_entropy(0.5), 1.0);
        assert_eq!(binary_entropy(0.0), 0.0);
        assert_eq!(binary_entropy(1.0), 0.0);
        assert!((binary_entropy(0.25) - 0.811_278).abs() < 1e-6);
    }
}
