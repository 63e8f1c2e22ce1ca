//! Selection of the algorithm for a convolution.

use super::StyledConv;
use super::pointwise::OUTPUTS;
use crate::algorithm::Algorithm;
use crate::simd::Isa;

impl StyledConv {
    /// The algorithm for this convolution. It depends only on the shape of the layer and the
    /// instruction set, not on the batch size.
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
        // Transformed weights are four times as large. Below this number of pixels, reading them
        // costs more than the multiplications.
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
