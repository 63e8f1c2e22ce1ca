//! What a container holds, as its reader finds it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::stored::StoredTensor;

/// Part of a file that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Dotted name.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// What a container holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) tensors: BTreeMap<String, StoredTensor>,
    pub(crate) metadata: Value,
    pub(crate) left_out: Vec<LeftOut>,
}
