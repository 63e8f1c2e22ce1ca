//! Whole training stages on little data, in one binary: each binary takes half a minute to build.

mod clip2latent;
mod generator;
mod newcomer;
mod prior;
