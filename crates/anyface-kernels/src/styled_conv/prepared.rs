//! Weights that are made ready once.

use super::StyledConv;
use crate::algorithm::Algorithm;
use crate::convolve::{Panels, taps};
use crate::demodulation::squared_weights;
use crate::simd::Isa;
use crate::winograd::Weights;

/// The weights of a [`StyledConv`] as its forward pass reads them: to be made once where they do not
/// change, as in inference. They serve any batch.
pub struct PreparedWeights {
    isa: Isa,
    /// The convolution for which they were made.
    conv: StyledConv,
    /// Σ over taps of w², `[out, in]`, where outputs are demodulated.
    squares: Option<Vec<f32>>,
    packed: Packed,
}

/// By algorithm.
pub(super) enum Packed {
    Direct(Panels),
    Winograd(Weights),
    Pointwise(Vec<f32>),
}

impl StyledConv {
    /// Makes `weight [out, in, k, k]` ready for [`StyledConv::forward_prepared`].
    ///
    /// # Panics
    /// If it has not the length that its shape asks for.
    pub fn prepare_weights(&self, isa: Isa, weight: &[f32]) -> PreparedWeights {
        self.check_weight(weight);
        let channels = [self.out_channels, self.in_channels];
        let packed = match self.algorithm(isa) {
            // The order of the weights does not depend on how long lines are.
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

    /// The squares and the weights, after a look at whether they are those of `conv`.
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
            "weights of {:?} used for {conv:?}",
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
