//! The subcommands, one file each, and the options that they share.

mod background;
pub(crate) mod bench;
pub(crate) mod completions;
pub(crate) mod convert;
mod credentials;
pub(crate) mod describe;
pub(crate) mod edit;
#[cfg(feature = "train")]
pub(crate) mod eval;
pub(crate) mod examples;
mod face_source;
pub(crate) mod generate;
pub(crate) mod health;
pub(crate) mod interpolate;
pub(crate) mod invert;
pub(crate) mod man;
pub(crate) mod models;
mod network;
mod output;
pub(crate) mod portraits;
pub(crate) mod prepare;
pub(crate) mod pull;
pub(crate) mod serve;
#[cfg(feature = "train")]
pub(crate) mod train;
pub(crate) mod verify;
