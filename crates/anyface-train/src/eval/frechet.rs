//! Fréchet and kernel distance between two sets of features.

use nalgebra::DMatrix;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

/// Number of subsets of a kernel distance.
const SUBSETS: usize = 100;
/// Features per subset.
const SUBSET: usize = 1000;

/// Mean and covariance of a set of features.
#[derive(Debug, Clone)]
pub struct Gaussian {
    mean: Vec<f64>,
    /// `[D, D]`.
    covariance: DMatrix<f64>,
}

impl Gaussian {
    /// The moments of at least two features of length D. The covariance is divided by N − 1, as in
    /// `numpy.cov`.
    pub fn of(features: &[Vec<f64>]) -> Self {
        let (count, dim) = (features.len(), features[0].len());
        let mean: Vec<f64> = (0..dim)
            .map(|d| features.iter().map(|x| x[d]).sum::<f64>() / count as f64)
            .collect();
        let centered = DMatrix::from_fn(count, dim, |i, d| features[i][d] - mean[d]);
        let covariance = centered.transpose() * &centered / (count - 1) as f64;
        Self { mean, covariance }
    }

    /// Mean `[D]`.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Symmetric square root of the covariance, `[D, D]`, row-major.
    pub fn root(&self) -> Vec<f64> {
        root(&self.covariance).transpose().as_slice().to_vec()
    }

    /// Fréchet distance `‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2·(Σ₁Σ₂)^½)` (Heusel et al. 2017,
    /// arXiv 1706.08500). The trace of the root is computed from the symmetric matrix
    /// `(Σ₁^½ Σ₂ Σ₁^½)^½`, which has no complex eigenvalues for covariances of low rank.
    pub fn distance(&self, other: &Self) -> f64 {
        let means = self.mean.iter().zip(&other.mean);
        let shift: f64 = means.map(|(a, b)| (a - b).powi(2)).sum();
        let root = root(&self.covariance);
        let product = &root * &other.covariance * &root;
        let roots: f64 = eigenvalues(&product)
            .into_iter()
            .map(|x| x.max(0.0).sqrt())
            .sum();
        shift + self.covariance.trace() + other.covariance.trace() - 2.0 * roots
    }
}

/// Symmetric square root of a positive semidefinite matrix.
fn root(matrix: &DMatrix<f64>) -> DMatrix<f64> {
    check_finite(matrix);
    let eigen = matrix.clone().symmetric_eigen();
    let mut scaled = eigen.eigenvectors.clone();
    for (mut column, value) in scaled.column_iter_mut().zip(&eigen.eigenvalues) {
        column *= value.max(0.0).sqrt();
    }
    scaled * eigen.eigenvectors.transpose()
}

fn eigenvalues(matrix: &DMatrix<f64>) -> Vec<f64> {
    check_finite(matrix);
    matrix.symmetric_eigenvalues().as_slice().to_vec()
}

/// Panics on values that are not finite, because the eigenvalue solver would not terminate.
fn check_finite(matrix: &DMatrix<f64>) {
    assert!(
        matrix.iter().all(|x| x.is_finite()),
        "features must be finite"
    );
}

/// Kernel distance over random subsets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KernelDistance {
    /// Mean over the subsets.
    pub mean: f64,
    /// Standard deviation over the subsets.
    pub std: f64,
}

impl KernelDistance {
    /// Kernel distance between two sets of at least four features of length D, over 100 random
    /// subsets of 1000 as in torch-fidelity. If half of the smaller set is less than 1000, subsets
    /// have that size, so that they differ.
    pub fn of(a: &[Vec<f64>], b: &[Vec<f64>], seed: u64) -> Self {
        let size = SUBSET.min(a.len().min(b.len()) / 2);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut subset = |features: &[Vec<f64>]| {
            let places = index::sample(&mut rng, features.len(), size).into_vec();
            rows(features, &places)
        };
        let subsets = (0..SUBSETS).map(|_| kernel_distance(&subset(a), &subset(b)));
        Self::over(&subsets.collect::<Vec<_>>())
    }

    /// Mean and standard deviation of the distances of subsets.
    fn over(distances: &[f64]) -> Self {
        let count = distances.len() as f64;
        let mean = distances.iter().sum::<f64>() / count;
        let squares = distances.iter().map(|distance| (distance - mean).powi(2));
        Self {
            mean,
            std: (squares.sum::<f64>() / count).sqrt(),
        }
    }
}

/// Selected features as a matrix `[N, D]`.
fn rows(features: &[Vec<f64>], places: &[usize]) -> DMatrix<f64> {
    DMatrix::from_fn(places.len(), features[0].len(), |i, d| {
        features[places[i]][d]
    })
}

/// Kernel distance of one subset: unbiased squared maximum mean discrepancy with the kernel
/// `(x·y/D + 1)³` (Bińkowski et al. 2018, arXiv 1801.01401) between two sets of N features
/// `[N, D]`.
fn kernel_distance(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    let (count, dim) = (a.nrows() as f64, a.ncols() as f64);
    let kernel = |x: &DMatrix<f64>, y: &DMatrix<f64>| {
        let products = x * y.transpose();
        DMatrix::from_fn(x.nrows(), y.nrows(), |i, j| {
            (products[(i, j)] / dim + 1.0).powi(3)
        })
    };
    let within = |x: &DMatrix<f64>| {
        let kernel = kernel(x, x);
        (kernel.sum() - kernel.trace()) / (count * (count - 1.0))
    };
    within(a) + within(b) - 2.0 * kernel(a, b).sum() / (count * count)
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;
    use serde_json::Value;

    use super::*;

    /// Moments, features and subsets, and their distances by `pytorch-fid` and `torch-fidelity`.
    const TENSORS: &[u8] = include_bytes!("../../tests/fixtures/fid_kid.safetensors");
    const DISTANCES: &str = include_str!("../../tests/fixtures/fid_kid.json");

    fn expected() -> Value {
        serde_json::from_str(DISTANCES).expect("the fixture")
    }

    /// Rows of a tensor. A vector is one row.
    fn values<T: bytemuck::Pod>(name: &str) -> Vec<Vec<T>> {
        let file = SafeTensors::deserialize(TENSORS).expect("the fixture");
        let tensor = file.tensor(name).expect("a tensor of the fixture");
        let length = *tensor.shape().last().expect("a dimension");
        let values: Vec<T> = bytemuck::pod_collect_to_vec(tensor.data());
        values.chunks(length).map(<[T]>::to_vec).collect()
    }

    fn gaussian(case: &str, which: usize) -> Gaussian {
        let sigma = values::<f64>(&format!("{case}.sigma{which}"));
        Gaussian {
            mean: values::<f64>(&format!("{case}.mu{which}")).remove(0),
            covariance: DMatrix::from_fn(sigma.len(), sigma.len(), |i, j| sigma[i][j]),
        }
    }

    #[test]
    fn frechet_distance_matches_pytorch_fid() {
        let expected = expected();
        for case in ["full", "same", "near", "rank_deficient", "diag1d_like"] {
            let distance = gaussian(case, 1).distance(&gaussian(case, 2));
            let reference = expected["fid"][case]["fid_by_symmetric_root"].as_f64();
            let error = (distance - reference.expect("a number")).abs();
            let tolerance = if case == "full" { 1e-9 } else { 1e-6 };
            assert!(error < tolerance * distance.max(1.0), "{case}: {distance}");
        }
    }

    #[test]
    fn frechet_distance_of_features_matches_pytorch_fid() {
        let [a, b] = ["features1", "features2"].map(|name| Gaussian::of(&values::<f64>(name)));
        let reference = expected()["fid"]["features"]["fid"].as_f64();
        assert!((a.distance(&b) - reference.expect("a number")).abs() < 1e-8);
    }

    #[test]
    fn kernel_distance_matches_torch_fidelity() {
        let (a, b) = (values::<f64>("features1"), values::<f64>("features2"));
        let expected = expected();
        let subsets = values::<i64>("kid.idx1")
            .into_iter()
            .zip(values::<i64>("kid.idx2"));
        let mut distances = Vec::new();
        for (i, (first, second)) in subsets.enumerate() {
            let chosen = |from: &[Vec<f64>], places: Vec<i64>| {
                rows(
                    from,
                    &places
                        .iter()
                        .map(|&place| place as usize)
                        .collect::<Vec<_>>(),
                )
            };
            let distance = kernel_distance(&chosen(&a, first), &chosen(&b, second));
            let reference = expected["kid"]["each"][i].as_f64().expect("a number");
            assert!(
                (distance - reference).abs() < 1e-9,
                "{distance} is not {reference}"
            );
            distances.push(distance);
        }
        let found = KernelDistance::over(&distances);
        let reference = &expected["kid"]["subsets10_size100"];
        for (found, name) in [(found.mean, "mean"), (found.std, "std")] {
            let reference = reference[format!("kernel_inception_distance_{name}")].as_f64();
            assert!(
                (found - reference.expect("a number")).abs() < 1e-9,
                "{name}"
            );
        }
    }

    #[test]
    fn random_subsets_agree_with_torch_fidelity() {
        let (a, b) = (values::<f64>("features1"), values::<f64>("features2"));
        let found = KernelDistance::of(&a, &b, 1);
        let reference = expected()["kid"]["one_subset_first250"].as_f64();
        let error = (found.mean - reference.expect("a number")).abs();
        assert!(found.std > 0.0 && error < found.std, "{found:?}");
        assert_eq!(found, KernelDistance::of(&a, &b, 1));
        let itself = KernelDistance::of(&a, &a, 1);
        assert!(itself.mean.abs() < found.mean / 5.0, "{itself:?}");
    }
}
