//! Tests of whole commands, in one binary: each binary takes half a minute to build.

mod bundles;
mod convert;
mod documents;
mod edit;
mod eval;
mod flow_prior;
mod generate;
mod health;
mod output;
mod public_weights;
mod pull;
#[path = "support/shell_commands.rs"]
mod shell_commands;
mod verify;
