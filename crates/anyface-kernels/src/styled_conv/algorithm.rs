//! Which algorithm computes which convolution.

use super::StyledConv;
use super::pointwise::OUTPUTS;
use crate::algorithm::Algorithm;
use crate::simd::Isa;

impl StyledConv {
    /// What computes this convolution. It depends on the shape of the layer and the instruction set alone,
    /// not on the batch.
    pub fn algorithm(&self, isa: Isa) -> Algorithm {
        let pointwise = self.kernel == 1 && self.out_channels <= OUTPUTS;
        if let Some(algorithm) = isa.forced {
            let possible = match algorithm {
                Algorithm::Direct => true,
                Algorithm::Winograd => self.kernel == 3,
                Algorithm::Pointwise => pointwise,
            };
            return if possible {
                algorithm
            } else {
                Algorithm::Direct
            };
        }
        let [low, high] = [
            self.in_channels.min(self.out_channels),
            self.in_channels.max(self.out_channels),
        ];
        // Transformed weights are four times as large: below this many pixels, reading them costs more
        // than the multiplications.
        let smallest = if high <= 256 { 4 } else { 16 };
        if pointwise {
            Algorithm::Pointwise
        } else if self.kernel == 3 && low >= 32 && self.height.min(self.width) >= smallest {
            Algorithm::Winograd
        } else {
            Algorithm::Direct
        }
    }
}
