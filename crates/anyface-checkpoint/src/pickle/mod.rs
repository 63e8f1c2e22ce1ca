//! A pickle machine that runs no code.
//!
//! It knows every opcode that checkpoints use, of protocols 0 to 5, and builds a [`Graph`] of plain data: a global is its
//! name, and a call is its callee beside its arguments. What a few known names mean (`torch`, `numpy`)
//! is read off the graph afterwards; nothing else has a meaning.
//!
//! Format: CPython's `Lib/pickletools.py`.

mod graph;
mod machine;
mod opcode;
mod text;

pub(crate) use graph::{Call, Graph, Id, Node};
pub(crate) use machine::load;
pub(crate) use text::begins_without_protocol;
