//! Fréchet and kernel distance between generated and real faces.

use anyface_portraits::{Face, latent, render};
use image::RgbImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::feature_extractor::FeatureExtractor;
use super::frechet::{Gaussian, KernelDistance};
use crate::error::{Result, TrainError};
use crate::progress::Progress;

/// Pictures per batch.
const HANDFUL: usize = 32;
/// Minimum number of real pictures, to have two halves.
const FEWEST: usize = 8;

/// Result of `eval fid`.
#[derive(Debug, Clone, Serialize)]
pub struct Likeness {
    /// "fid".
    pub suite: &'static str,
    /// Number of generated faces, and of real faces in each half.
    pub samples: usize,
    /// Fréchet distance of the generated faces to one half of the real ones, with the first
    /// extractor.
    pub value: f64,
    /// The same for the other half of the real faces.
    pub reference: f64,
    /// Name of the first extractor.
    pub features: &'static str,
    /// All distances.
    pub table: Vec<DistanceRow>,
}

/// A distance with one extractor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DistanceRow {
    /// Name: "fid" and "kid" for Inception, "frechet_…" and "kernel_…" for other extractors.
    pub measure: &'static str,
    /// Distance of the generated faces to one half of the real faces.
    pub value: f64,
    /// Standard deviation over subsets, for kernel distances.
    pub std: Option<f64>,
    /// Distance of the other half of the real faces to the same half.
    pub reference: f64,
    /// Standard deviation over subsets, for kernel distances.
    pub reference_std: Option<f64>,
    /// `value / reference` of a Fréchet distance. `None` for a kernel distance, because its
    /// reference is near 0 and may be negative.
    pub ratio: Option<f64>,
}

/// Compares `samples` generated faces with `samples` real ones. The reference compares these with
/// `samples` other real ones. Fréchet distances depend on the number of pictures, so all sets have
/// the same size. If there are fewer than `2 · samples` real faces, `samples` becomes half of their
/// number.
///
/// # Errors
/// Errors of the picture iterators, and [`TrainError::TooFew`].
pub fn fid(
    extractors: &[FeatureExtractor<'_>],
    real: &mut dyn Iterator<Item = Result<RgbImage>>,
    generated: &mut dyn Iterator<Item = Result<RgbImage>>,
    samples: usize,
    seed: u64,
) -> Result<Likeness> {
    let real = extract(extractors, real, 2 * samples, "real faces")?;
    let found = real[0].len();
    if found < FEWEST {
        return Err(TrainError::TooFew {
            what: "real faces",
            found,
            needed: FEWEST,
        });
    }
    let samples = found / 2;
    let generated = extract(extractors, generated, samples, "generated faces")?;
    let rows = extractors.iter().zip(real.iter().zip(&generated));
    let table: Vec<DistanceRow> = rows
        .flat_map(|(extractor, (real, generated))| {
            let (half, other) = (&real[..samples], &real[samples..2 * samples]);
            distances(extractor.measures(), generated, half, other, seed)
        })
        .collect();
    Ok(Likeness {
        suite: "fid",
        samples,
        value: table[0].value,
        reference: table[0].reference,
        features: extractors[0].name(),
        table,
    })
}

/// Fréchet and kernel distance to `half`, of `generated` and of `other`.
fn distances(
    [frechet, kernel]: [&'static str; 2],
    generated: &[Vec<f64>],
    half: &[Vec<f64>],
    other: &[Vec<f64>],
    seed: u64,
) -> [DistanceRow; 2] {
    let gaussian = Gaussian::of(half);
    let [value, reference] = [generated, other].map(|x| Gaussian::of(x).distance(&gaussian));
    let of_kernel = [generated, other].map(|x| KernelDistance::of(x, half, seed));
    [
        DistanceRow {
            measure: frechet,
            value,
            std: None,
            reference,
            reference_std: None,
            ratio: Some(value / reference),
        },
        DistanceRow {
            measure: kernel,
            value: of_kernel[0].mean,
            std: Some(of_kernel[0].std),
            reference: of_kernel[1].mean,
            reference_std: Some(of_kernel[1].std),
            ratio: None,
        },
    ]
}

/// Features `[D]` of up to `count` pictures, per extractor.
fn extract(
    extractors: &[FeatureExtractor<'_>],
    pictures: &mut dyn Iterator<Item = Result<RgbImage>>,
    count: usize,
    what: &str,
) -> Result<Vec<Vec<Vec<f64>>>> {
    let mut seen: Vec<Vec<_>> = extractors.iter().map(|_| Vec::new()).collect();
    let mut progress = Progress::new(0, count as u64);
    let mut pictures = pictures.take(count);
    loop {
        let handful = pictures
            .by_ref()
            .take(HANDFUL)
            .collect::<Result<Vec<_>>>()?;
        if handful.is_empty() {
            return Ok(seen);
        }
        for (extractor, features) in extractors.iter().zip(&mut seen) {
            features.extend(extractor.features(&handful));
        }
        progress.show(seen[0].len() as u64, what);
    }
}

/// Renders of random faces of the built-in domain, `side` pixels square. Their seeds count down
/// from `seed − 1`; no suite uses these seeds for descriptions.
pub fn renders(side: u32, seed: u64) -> impl Iterator<Item = RgbImage> {
    (0u64..).step_by(HANDFUL).flat_map(move |first| {
        let handful = first..first + HANDFUL as u64;
        let rendered = handful.into_par_iter().map(|i| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_sub(1 + i));
            render(&Face::from_latent(&latent::sample(&mut rng)), side)
        });
        rendered.collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shifted_features_have_the_distance_of_their_shift() {
        let features = |shift: f64| -> Vec<Vec<f64>> {
            let points = (0..64).map(|i| (f64::from(i) * 0.7).sin());
            points.map(|x| vec![x + shift, x * x, -x]).collect()
        };
        let [frechet, kernel] = distances(
            ["a", "b"],
            &features(2.0),
            &features(0.0),
            &features(0.5),
            1,
        );
        // With equal covariances, the distance is the squared distance of the means.
        assert!((frechet.value - 4.0).abs() < 1e-6, "{frechet:?}");
        assert!((frechet.reference - 0.25).abs() < 1e-6, "{frechet:?}");
        assert!((frechet.ratio.expect("a ratio") - 16.0).abs() < 1e-3);
        assert!(kernel.value > kernel.reference && kernel.std.expect("a deviation") > 0.0);
        assert_eq!(kernel.ratio, None);
    }

    #[test]
    fn renders_continue_and_depend_on_the_seed() {
        let first = |seed: u64| renders(16, seed).take(HANDFUL + 2).collect::<Vec<_>>();
        let found = first(100);
        assert_eq!(found.len(), HANDFUL + 2);
        assert_eq!(found[1..], first(99)[..HANDFUL + 1], "seeds go down");
        assert_ne!(found[0], found[1]);
    }
}
