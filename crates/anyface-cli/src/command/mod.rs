//! One file a subcommand.

pub(crate) mod convert;
pub(crate) mod eval;
pub(crate) mod generate;
pub(crate) mod models;
mod network;
pub(crate) mod portraits;
pub(crate) mod serve;
pub(crate) mod train;
pub(crate) mod verify;
