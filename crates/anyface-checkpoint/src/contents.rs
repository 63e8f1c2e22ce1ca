//! [`Contents`]: what a container's reader returns.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::stored::StoredTensor;

/// A part of a file that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Dotted name.
    pub name: String,
    /// Reason it was not read.
    pub reason: String,
}

/// The tensors and metadata of a container.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) tensors: BTreeMap<String, StoredTensor>,
    pub(crate) metadata: Value,
    pub(crate) left_out: Vec<LeftOut>,
}
