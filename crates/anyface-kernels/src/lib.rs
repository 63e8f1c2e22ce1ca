//! CPU kernels for styled convolution, forward and backward.
