//! The space that the prior samples, and pictures of its points.

use anyface::bundle::{MapperKind, ZDistribution};
use anyface::stylegan2::{Generator, Noise, broadcast};
use burn::tensor::Tensor;

/// The space of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Points {
    /// Latents `w`.
    W,
    /// Standard normals, which [`ZDistribution::decode`] turns into `z`.
    Normals(ZDistribution),
}

impl Points {
    /// Width D of a point.
    pub(super) fn dim(self, z_dim: usize, w_dim: usize) -> usize {
        match self {
            Self::W => w_dim,
            Self::Normals(z_distribution) => z_distribution.normals(z_dim),
        }
    }

    /// The mapper of a bundle with such a prior.
    pub(super) const fn mapper(self) -> MapperKind {
        match self {
            Self::W => MapperKind::FlowPrior,
            Self::Normals(_) => MapperKind::FlowPriorZ,
        }
    }

    /// Pictures `[N, 3, R, R]` of points `[N, D]`.
    pub(super) fn draw(self, generator: &Generator, points: Tensor<2>) -> Tensor<4> {
        let w = match self {
            Self::W => points,
            Self::Normals(z_distribution) => z_distribution.w(&generator.mapping, points),
        };
        let synthesis = &generator.synthesis;
        synthesis.forward(broadcast(w, synthesis.num_ws()), Noise::None)
    }
}
