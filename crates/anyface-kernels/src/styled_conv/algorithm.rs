//! Which algorithm computes which convolution.

use super::StyledConv;
use crate::simd::Isa;

/// How the products of a convolution are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Multiplication by multiplication.
    Direct,
    /// Winograd's: of 3×3 kernels, a quarter of the multiplications, or 9/16 with up-sampling.
    Winograd,
}

impl StyledConv {
    /// What computes this convolution. It depends on the shape of the layer and the instruction set alone,
    /// not on the batch.
    pub fn algorithm(&self, isa: Isa) -> Algorithm {
        let possible = self.kernel == 3;
        let algorithm = isa.forced.unwrap_or_else(|| {
            let [low, high] = [
                self.in_channels.min(self.out_channels),
                self.in_channels.max(self.out_channels),
            ];
            // Transformed weights are four times as large: below this many pixels, reading them costs more
            // than the multiplications.
            let smallest = if high <= 256 { 4 } else { 16 };
            let pays = low >= 32 && self.height.min(self.width) >= smallest;
            if pays {
                Algorithm::Winograd
            } else {
                Algorithm::Direct
            }
        });
        if possible {
            algorithm
        } else {
            Algorithm::Direct
        }
    }
}
