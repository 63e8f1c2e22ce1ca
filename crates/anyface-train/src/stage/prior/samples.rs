//! What the prior learns from, wherever the faces come from.

use burn::tensor::{Bool, Tensor};
use rand_chacha::ChaCha8Rng;

use super::LearningConfig;
use super::facts::Facts;

/// Faces with latents, of which something can be said.
pub(super) trait Samples: Send + Sync {
    /// The latents of all faces, `[P, D]`.
    fn latents(&self) -> &Tensor<2>;

    /// Latents `[N, D]` of random faces with descriptions. About the part `silent` of them say
    /// nothing; the part `rare` is of faces with a look that few have.
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
    /// Where a face has fewer than C sentences, `[N, C]`.
    pub(super) absent: Tensor<2, Bool>,
    /// What is said of each.
    pub(super) said: Vec<Facts>,
}
