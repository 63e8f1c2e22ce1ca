//! StyleCLIP's global directions: how each style of the generator changes CLIP's image feature.
//!
//! Paper: Patashnik et al. 2021, arXiv 2103.17249, section 6. Reference: `global_directions/` of
//! orpatashnik/StyleCLIP.

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use crate::layers::l2_normalize;

/// Sizes of [`GlobalDirections`].
#[derive(Config, Debug, PartialEq, Eq)]
pub struct GlobalDirectionsConfig {
    /// S, the number of styles of the generator's convolutions.
    pub style_width: usize,
    /// E, the width of CLIP's features.
    pub feature_dim: usize,
}

impl GlobalDirectionsConfig {
    /// Creates directions of zeros.
    pub fn init(&self, device: &Device) -> GlobalDirections {
        GlobalDirections {
            features: Param::from_tensor(Tensor::zeros(
                [self.style_width, self.feature_dim],
                device,
            )),
            deviation: Param::from_tensor(Tensor::zeros([self.style_width], device)),
        }
    }
}

/// The effect and the variation of each style of a generator.
#[derive(Module, Debug)]
pub struct GlobalDirections {
    /// Direction in which CLIP's image feature moves when a style increases, `[S, E]`, of unit
    /// length.
    pub features: Param<Tensor<2>>,
    /// Standard deviation of each style over random faces, `[S]`.
    pub deviation: Param<Tensor<1>>,
}

impl GlobalDirections {
    /// Cosine similarity of each style's effect with a change of text features `[1, E]`: `[1, S]`,
    /// from −1 to 1.
    pub fn relevance(&self, change: Tensor<2>) -> Tensor<2> {
        l2_normalize(change).matmul(self.features.val().transpose())
    }

    /// The direction `[1, S]` of the styles whose absolute `relevance [1, S]` is at least
    /// `threshold`, β of the paper. The most relevant style moves by its standard deviation, the
    /// others in proportion to their relevance. A higher threshold changes fewer styles.
    pub fn direction(&self, relevance: Tensor<2>, threshold: f64) -> Tensor<2> {
        let irrelevant = relevance.clone().abs().lower_elem(threshold);
        let kept = relevance.mask_fill(irrelevant, 0.0);
        let most = kept.clone().abs().max().clamp_min(f32::MIN_POSITIVE);
        kept / most.reshape([1, 1]) * self.deviation.val().unsqueeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tolerance;

    #[test]
    fn relevant_styles_move_by_their_deviations() {
        let device = Device::flex();
        let directions = GlobalDirections {
            features: Param::from_tensor(Tensor::from_floats(
                [[1.0, 0.0], [0.6, 0.8], [-0.1, 0.995], [-0.8, 0.6]],
                &device,
            )),
            deviation: Param::from_tensor(Tensor::from_floats([2.0, 3.0, 5.0, 7.0], &device)),
        };
        let change = Tensor::<2>::from_floats([[9.0, 0.0]], &device);
        let relevance = directions.relevance(change);
        let equal = |found: Tensor<2>, expected: [f32; 4]| {
            let expected = Tensor::<2>::from_floats([expected], &device).into_data();
            let tolerance = Tolerance::<f32>::absolute(1e-6);
            found.into_data().assert_approx_eq(&expected, tolerance);
        };
        equal(relevance.clone(), [1.0, 0.6, -0.1, -0.8]);
        let direction = |threshold| directions.direction(relevance.clone(), threshold);
        equal(direction(0.15), [2.0, 1.8, 0.0, -5.6]);
        equal(direction(0.7), [2.0, 0.0, 0.0, -5.6]);
        equal(direction(1.1), [0.0; 4]);
    }
}
