//! One file a subcommand.

pub(crate) mod eval;
pub(crate) mod generate;
mod network;
pub(crate) mod portraits;
pub(crate) mod train;
