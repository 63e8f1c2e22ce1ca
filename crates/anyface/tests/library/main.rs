//! Tests of the public API, in one binary: each binary takes half a minute to build.

mod public_weights;
mod stylegan2;
