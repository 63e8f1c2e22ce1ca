//! One file a subcommand.

mod background;
pub(crate) mod bench;
pub(crate) mod convert;
pub(crate) mod edit;
pub(crate) mod eval;
mod face_source;
pub(crate) mod generate;
pub(crate) mod interpolate;
pub(crate) mod invert;
pub(crate) mod models;
mod network;
pub(crate) mod portraits;
pub(crate) mod prepare;
pub(crate) mod pull;
pub(crate) mod serve;
pub(crate) mod train;
pub(crate) mod verify;
