//! A pickle machine that never runs code.
//!
//! It knows every opcode of protocols 0 to 5 that checkpoints use, and builds a [`Graph`] of plain
//! data: a global is a name, and a call is its callee with its arguments. The few names with a
//! meaning (in `torch` and `numpy`) are interpreted afterwards, on the graph.
//!
//! Format: CPython's `Lib/pickletools.py`.

mod graph;
mod machine;
mod opcode;
mod text;

pub(crate) use graph::{Call, Graph, Id, Node};
pub(crate) use machine::load;
pub(crate) use text::begins_without_protocol;
