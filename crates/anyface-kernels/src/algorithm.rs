//! The algorithms for convolutions.

/// Algorithm of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Plain multiply-add over all taps.
    Direct,
    /// Winograd's algorithm for 3×3 kernels: a quarter of the multiplications, or 9/16 with
    /// up-sampling.
    Winograd,
    /// A single pass over the input, for 1×1 kernels with few output channels.
    Pointwise,
}
