//! Training samples of the prior, for all sources of faces.

use burn::tensor::{Bool, Tensor};
use rand_chacha::ChaCha8Rng;

use super::LearningConfig;
use super::facts::Facts;

/// Faces with latents and descriptions.
pub(super) trait Samples: Send + Sync {
    /// The latents of all faces, `[P, D]`.
    fn latents(&self) -> &Tensor<2>;

    /// Latents `[N, D]` and descriptions of random faces. About the fraction `silent` has no
    /// description. The fraction `rare` is faces with a rare attribute.
    fn batch(
        &self,
        count: usize,
        learning: LearningConfig,
        rng: &mut ChaCha8Rng,
    ) -> (Tensor<2>, Descriptions);
}

/// Descriptions of N faces.
pub(super) struct Descriptions {
    /// Unit text features `[N, C, E]`, zero where absent.
    pub(super) features: Tensor<3>,
    /// True where a face has fewer than C sentences, `[N, C]`.
    pub(super) absent: Tensor<2, Bool>,
    /// Statements of each description.
    pub(super) said: Vec<Facts>,
}
