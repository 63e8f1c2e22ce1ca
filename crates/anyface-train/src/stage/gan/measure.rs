//! Statistics of generated faces relative to held-out photographs.

use anyface::layers::halve;
use burn::tensor::Tensor;

use crate::eval::frechet::Gaussian;
use anyface::recognizer::Recognizer;

/// Side of the thumbnails in pixels, for spread and nearest neighbours.
const THUMBNAIL: usize = 16;

/// Statistics of a set of pictures.
pub(super) struct Appearance {
    gaussian: Gaussian,
    /// Fréchet distance between two halves of the set.
    halves: f64,
    /// Mean pairwise distance of recogniser features.
    distance: f64,
    /// Mean absolute difference of neighbouring pixels.
    gradient: f64,
    /// Mean standard deviation of thumbnail pixels over the set.
    spread: f64,
}

impl Appearance {
    /// Statistics of at least four pictures in [−1, 1], in batches `[N, 3, R, R]`.
    pub(super) fn of(batches: impl Iterator<Item = Tensor<4>>, recognizer: &Recognizer) -> Self {
        let (mut features, mut pixels) = (Vec::new(), Vec::new());
        let (mut gradient, mut count) = (0.0, 0);
        for images in batches {
            let images = images.clamp(-1.0, 1.0);
            let [n, ..] = images.dims();
            gradient += n as f64 * mean_gradient(&images);
            count += n;
            pixels.extend(thumbnails(images.clone()));
            features.extend(recognizer.features(images));
        }
        let (first, second) = features.split_at(features.len() / 2);
        Self {
            halves: Gaussian::of(first).distance(&Gaussian::of(second)),
            gaussian: Gaussian::of(&features),
            distance: mean_distance(&features),
            gradient: gradient / count as f64,
            spread: spread(&pixels),
        }
    }

    /// Named metrics of generated faces relative to photographs. The first is the Fréchet distance.
    pub(super) fn beside(&self, photographs: &Self) -> Vec<(String, f64)> {
        let distance = self.gaussian.distance(&photographs.gaussian);
        [
            ("frechet_mobilefacenet", distance),
            ("frechet_over_halves", distance / photographs.halves),
            ("identity_distance", self.distance / photographs.distance),
            ("gradient", self.gradient / photographs.gradient),
            ("spread", self.spread / photographs.spread),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }
}

/// Flattened 16×16 thumbnails of pictures `[N, 3, R, R]`, one row each. R / 16 must be a power of
/// two.
pub(super) fn thumbnails(mut images: Tensor<4>) -> Vec<Vec<f32>> {
    while images.dims()[3] > THUMBNAIL {
        images = halve(images);
    }
    let [_, channels, height, width] = images.dims();
    let pixels: Vec<f32> = images.into_data().iter().collect();
    let rows = pixels.chunks(channels * height * width);
    rows.map(<[f32]>::to_vec).collect()
}

/// Index of the row of `others` with the smallest squared distance to `row`, and that distance.
pub(super) fn nearest(row: &[f32], others: &[Vec<f32>]) -> (usize, f32) {
    let distances = others.iter().map(|other| {
        let pairs = row.iter().zip(other);
        pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
    });
    let nearest = distances
        .enumerate()
        .min_by(|(_, a), (_, b)| a.total_cmp(b));
    nearest.expect("`others` is not empty")
}

fn mean_gradient(images: &Tensor<4>) -> f64 {
    let [_, _, height, width] = images.dims();
    let along = |axis: usize, length: usize| {
        let next = images.clone().narrow(axis, 1, length - 1);
        let difference = next - images.clone().narrow(axis, 0, length - 1);
        difference.abs().mean().into_scalar::<f64>()
    };
    (along(2, height) + along(3, width)) / 2.0
}

fn mean_distance(features: &[Vec<f64>]) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0);
    for (i, a) in features.iter().enumerate() {
        for b in &features[..i] {
            let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
            sum += squares.sum::<f64>().sqrt();
            pairs += 1;
        }
    }
    sum / f64::from(pairs)
}

fn spread(rows: &[Vec<f32>]) -> f64 {
    let (count, length) = (rows.len() as f64, rows[0].len());
    let deviation = |pixel: usize| {
        let values = || rows.iter().map(|row| f64::from(row[pixel]));
        let mean = values().sum::<f64>() / count;
        (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
    };
    (0..length).map(deviation).sum::<f64>() / length as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn gradient_spread_and_distance_by_hand() {
        let ramp = Tensor::<1>::from_floats([0.0, 1.0, 0.0, 1.0], &Device::flex());
        let ramp = ramp.reshape([1, 1, 2, 2]);
        assert_eq!(mean_gradient(&ramp), 0.5);
        assert_eq!(spread(&[vec![0.0, 1.0], vec![2.0, 1.0]]), 0.5);
        let features = [vec![0.0, 0.0], vec![3.0, 4.0], vec![0.0, 0.0]];
        assert!((mean_distance(&features) - 10.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn nearest_finds_the_smallest_distance() {
        let others = [vec![0.0, 4.0], vec![1.0, 1.0], vec![5.0, 5.0]];
        assert_eq!(nearest(&[2.0, 1.0], &others), (1, 1.0));
    }
}
