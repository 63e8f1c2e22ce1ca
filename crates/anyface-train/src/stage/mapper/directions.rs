//! Attributes as directions of `w`, for generators whose latents have no known meaning.
//!
//! A probe reads the generator's pictures of many photographs. A linear fit maps `w` to its logits
//! (InterFaceGAN, Shen et al. 2020, arXiv 2005.09635). An edit of some attributes is the most
//! probable change of `w` that keeps the other attributes.

use anyface_portraits::Attribute;
use nalgebra::{DMatrix, DVector};

use crate::stage::described::Said;

/// Regularisation of the variance of `w` as a fraction of its mean, so that directions with little
/// variance have little weight.
const RIDGE: f64 = 1e-2;
/// Tolerance of mentioned attributes and of other attributes, as a fraction of the variance of the
/// logit.
const SLACK: [f64; 2] = [0.01, 0.3];

/// Factor on the distance of the target logit from the mean. It compensates for the fit, which is
/// linear while the probe is not.
const EMPHASIS: f64 = 1.5;

/// Linear model of attribute logits in `w`.
pub(super) struct Directions {
    attributes: Vec<Attribute>,
    /// Mean of `w`, `[D]`.
    mean: Vec<f64>,
    /// Gradient of each attribute's logit, `[A, D]`.
    gradient: DMatrix<f64>,
    /// Logit of each attribute at the mean.
    offset: Vec<f64>,
    /// Mean negative and mean positive logit of each attribute.
    typical: Vec<[f64; 2]>,
    /// Covariance of `w` multiplied by the transposed gradient, `[D, A]`.
    spread: DMatrix<f64>,
    /// Covariance of the fitted logits, `[A, A]`.
    covariance: DMatrix<f64>,
}

impl Directions {
    /// Fits the probe's logits `[N, A]` of the faces of `w [N, D]`.
    pub(super) fn fit(attributes: Vec<Attribute>, w: &[Vec<f32>], logits: &[Vec<f32>]) -> Self {
        let (count, dim) = (w.len(), w[0].len());
        let mean = means(w);
        let offset = means(logits);
        let centered = DMatrix::from_fn(count, dim, |i, d| f64::from(w[i][d]) - mean[d]);
        let heights = DMatrix::from_fn(count, attributes.len(), |i, a| {
            f64::from(logits[i][a]) - offset[a]
        });
        let mut variance = centered.transpose() * &centered / count as f64;
        let average = (0..dim).map(|d| variance[(d, d)]).sum::<f64>() / dim as f64;
        for d in 0..dim {
            variance[(d, d)] += RIDGE * average + 1e-12;
        }
        let product = centered.transpose() * &heights / count as f64;
        let solver = variance
            .clone()
            .cholesky()
            .expect("the matrix is positive definite");
        let gradient = solver.solve(&product).transpose();
        let spread = &variance * gradient.transpose();
        Self {
            typical: (0..attributes.len())
                .map(|a| typical(logits.iter().map(|row| f64::from(row[a]))))
                .collect(),
            covariance: &gradient * &spread,
            mean,
            gradient,
            offset,
            spread,
            attributes,
        }
    }

    /// Changes each latent `w`, `[D]`, to have the stated attributes. The change is the most
    /// probable one that keeps the others.
    pub(super) fn adjust<'a>(
        &self,
        w: &[Vec<f32>],
        said: impl Iterator<Item = &'a Said>,
    ) -> Vec<Vec<f32>> {
        w.iter()
            .zip(said)
            .map(|(w, said)| self.adjusted(w, said))
            .collect()
    }

    fn adjusted(&self, w: &[f32], said: &Said) -> Vec<f32> {
        let count = self.attributes.len();
        let mut missing = DVector::<f64>::zeros(count);
        let mut matrix = self.covariance.clone();
        for (a, attribute) in self.attributes.iter().enumerate() {
            let named = said.iter().find(|(named, _)| named == attribute);
            let slack = SLACK[usize::from(named.is_none())];
            matrix[(a, a)] += slack * self.covariance[(a, a)] + 1e-9;
            if let Some(&(_, wanted)) = named {
                let target = self.offset[a]
                    + EMPHASIS * (self.typical[a][usize::from(wanted)] - self.offset[a]);
                let gap = target - self.logit(w, a);
                // No change if the logit already exceeds the target.
                let is_short = (gap > 0.0) == wanted;
                missing[a] = if is_short { gap } else { 0.0 };
            }
        }
        let solver = matrix.cholesky().expect("the matrix is positive definite");
        let change = &self.spread * solver.solve(&missing);
        let moved = w.iter().enumerate().map(|(d, &w)| w + change[d] as f32);
        moved.collect()
    }

    /// Predicted logit of the attribute with index `a`.
    fn logit(&self, w: &[f32], a: usize) -> f64 {
        let terms = w.iter().enumerate();
        let terms = terms.map(|(d, &w)| self.gradient[(a, d)] * (f64::from(w) - self.mean[d]));
        self.offset[a] + terms.sum::<f64>()
    }
}

fn means(rows: &[Vec<f32>]) -> Vec<f64> {
    let column = |d: usize| rows.iter().map(|row| f64::from(row[d])).sum::<f64>();
    (0..rows[0].len())
        .map(|d| column(d) / rows.len() as f64)
        .collect()
}

/// Means of the negative and of the positive logits. If there are none, one standard deviation from
/// the mean of all.
fn typical(logits: impl Iterator<Item = f64>) -> [f64; 2] {
    let logits: Vec<f64> = logits.collect();
    let mean_of = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mean = mean_of(&logits);
    let squares: Vec<f64> = logits.iter().map(|x| (x - mean).powi(2)).collect();
    let deviation = mean_of(&squares).sqrt();
    let (above, below): (Vec<f64>, Vec<f64>) = logits.into_iter().partition(|x| *x > 0.0);
    let or = |values: &[f64], other| {
        if values.is_empty() {
            other
        } else {
            mean_of(values)
        }
    };
    [or(&below, mean - deviation), or(&above, mean + deviation)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    /// 2000 latents with 6 dimensions. The first gives the logit of male. The second gives
    /// the logit of smiling and has standard deviation 3.
    fn directions() -> Directions {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut draw = || -> Vec<f32> {
            let mut w: Vec<f32> = StandardNormal.sample_iter(&mut rng).take(6).collect();
            w[1] *= 3.0;
            w
        };
        let w: Vec<Vec<f32>> = (0..2000).map(|_| draw()).collect();
        let logits: Vec<Vec<f32>> = w.iter().map(|w| vec![4.0 * w[0] - 1.0, w[1]]).collect();
        Directions::fit(vec![Attribute::Male, Attribute::Smiling], &w, &logits)
    }

    #[test]
    fn stated_attributes_change_and_others_stay() {
        let directions = directions();
        let before = vec![-1.0, 2.0, 0.5, 0.0, -0.5, 1.0];
        let said = vec![(Attribute::Male, true), (Attribute::Surprised, true)];
        let after = directions.adjusted(&before, &said);
        // The mean positive logit of male is about 2.9. With the emphasis of 1.5 from −1 it becomes
        // 4.9.
        assert!((4.0 * after[0] - 1.0 - 4.9).abs() < 0.5, "{after:?}");
        for d in 1..6 {
            assert!((after[d] - before[d]).abs() < 0.1, "{after:?}");
        }
    }

    #[test]
    fn attributes_that_match_stay() {
        let before = vec![3.0, -4.0, 0.0, 0.0, 0.0, 0.0];
        let said = vec![(Attribute::Male, true), (Attribute::Smiling, false)];
        let after = directions().adjusted(&before, &said);
        assert_eq!(after, before);
    }
}
