//! Weights prepared once for repeated forward passes.

use super::StyledConv;
use crate::algorithm::Algorithm;
use crate::convolve::{Panels, taps};
use crate::demodulation::squared_weights;
use crate::simd::Isa;
use crate::winograd::Weights;

/// The weights of a [`StyledConv`] in the form its forward pass reads. Prepare them once if they do
/// not change, as in inference. They work for any batch size.
pub struct PreparedWeights {
    isa: Isa,
    /// The convolution that the weights belong to.
    conv: StyledConv,
    /// Σ w² over the taps, `[out, in]`, for demodulated outputs.
    squares: Option<Vec<f32>>,
    packed: Packed,
}

/// Weights packed for one algorithm.
pub(super) enum Packed {
    Direct(Panels),
    Winograd(Weights),
    Pointwise(Vec<f32>),
}

impl StyledConv {
    /// Prepares `weight [out, in, k, k]` for [`StyledConv::forward_prepared`].
    ///
    /// # Panics
    /// If the length of `weight` does not match its shape.
    pub fn prepare_weights(&self, isa: Isa, weight: &[f32]) -> PreparedWeights {
        self.check_weight(weight);
        let channels = [self.out_channels, self.in_channels];
        let packed = match self.algorithm(isa) {
            // The order of the weights does not depend on the length of lines.
            Algorithm::Direct => Packed::Direct(Panels::forward(
                isa,
                weight,
                channels,
                &taps(self.kernel, self.up, 0),
            )),
            Algorithm::Winograd => {
                Packed::Winograd(Weights::forward(isa, self.up, weight, channels))
            }
            Algorithm::Pointwise => Packed::Pointwise(weight.to_vec()),
        };
        let kernel = self.kernel * self.kernel;
        let squares = self
            .demodulate
            .then(|| squared_weights(isa, weight, self.in_channels, kernel));
        PreparedWeights {
            isa,
            conv: *self,
            squares,
            packed,
        }
    }
}

impl PreparedWeights {
    pub(super) fn isa(&self) -> Isa {
        self.isa
    }

    /// The squares and packed weights, after checking that they belong to `conv`.
    pub(super) fn of(&self, conv: &StyledConv) -> (Option<&[f32]>, &Packed) {
        let kind = |conv: &StyledConv| {
            (
                conv.out_channels,
                conv.in_channels,
                conv.kernel,
                conv.up,
                conv.demodulate,
                conv.algorithm(self.isa),
            )
        };
        assert_eq!(
            kind(conv),
            kind(&self.conv),
            "weights belong to {:?}, not {conv:?}",
            self.conv
        );
        (self.squares.as_deref(), &self.packed)
    }
}

impl std::fmt::Debug for PreparedWeights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreparedWeights")
            .field("conv", &self.conv)
            .finish_non_exhaustive()
    }
}
