//! Attributes as directions of `w`, for generators that nobody told what their latents mean.
//!
//! Of many photographs that the generator drew again, a probe says what they show; a linear fit says how `w` says it (Shen et al. 2020,
//! InterFaceGAN, arXiv 2005.09635). A change of some attributes is then the likeliest one that leaves the others alone.

use anyface_portraits::Attribute;
use nalgebra::{DMatrix, DVector};

use crate::stage::described::Said;

/// Part of the mean variance of `w` that is added to every dim, so that a direction that is hardly used is not trusted.
const RIDGE: f64 = 1e-2;
/// How much may be missed of what is said, and of what must stay, against the variance of the logit.
const SLACK: [f64; 2] = [0.01, 0.3];

/// How much further from the mean than is typical what is said should be: where a line is fitted, what is seen bends.
const EMPHASIS: f64 = 1.5;

/// What `w` says of a few attributes.
pub(super) struct Directions {
    attributes: Vec<Attribute>,
    /// Mean of `w`, `[D]`.
    mean: Vec<f64>,
    /// Gradient of each attribute's logit, `[A, D]`.
    gradient: DMatrix<f64>,
    /// Logit of each attribute at the mean.
    offset: Vec<f64>,
    /// Mean logit where it is not there, and where it is.
    typical: Vec<[f64; 2]>,
    /// Covariance of `w` times the transposed gradient, `[D, A]`.
    spread: DMatrix<f64>,
    /// Covariance of the fitted logits, `[A, A]`.
    covariance: DMatrix<f64>,
}

impl Directions {
    /// Fits the logits `[N, A]` that a probe gave to the faces of `w [N, D]`.
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
        let solver = variance.clone().cholesky().expect("a positive matrix");
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

    /// Each of `w`, `[D]`, with the likeliest change for what is said of it to be seen, and nothing else.
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
                // Beyond what is typical is well enough.
                let is_short = (gap > 0.0) == wanted;
                missing[a] = if is_short { gap } else { 0.0 };
            }
        }
        let solver = matrix.cholesky().expect("a positive matrix");
        let change = &self.spread * solver.solve(&missing);
        let moved = w.iter().enumerate().map(|(d, &w)| w + change[d] as f32);
        moved.collect()
    }

    /// What `w` says of the attribute at place `a`.
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

/// Mean of the logits below 0 and of those above; a deviation from the mean of all where there are none.
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

    /// 2000 latents of 6 dims whose first says male and whose second, three times as wide, says smiling.
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
    fn what_is_said_is_changed_and_the_rest_stays() {
        let directions = directions();
        let before = vec![-1.0, 2.0, 0.5, 0.0, -0.5, 1.0];
        let said = vec![(Attribute::Male, true), (Attribute::Surprised, true)];
        let after = directions.adjusted(&before, &said);
        // A man's mean logit is about 2.9, the mean of 4x − 1 where it is above 0; half as far again from −1 is 4.9.
        assert!((4.0 * after[0] - 1.0 - 4.9).abs() < 0.5, "{after:?}");
        for d in 1..6 {
            assert!((after[d] - before[d]).abs() < 0.1, "{after:?}");
        }
    }

    #[test]
    fn what_holds_already_stays() {
        let before = vec![3.0, -4.0, 0.0, 0.0, 0.0, 0.0];
        let said = vec![(Attribute::Male, true), (Attribute::Smiling, false)];
        let after = directions().adjusted(&before, &said);
        assert_eq!(after, before);
    }
}
