//! Ways to compute a convolution.

/// How the products of a convolution are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Multiplication by multiplication.
    Direct,
    /// Winograd's: of 3×3 kernels, a quarter of the multiplications, or 9/16 with up-sampling.
    Winograd,
    /// One pass over the input: for 1×1 kernels with few output channels.
    Pointwise,
}
