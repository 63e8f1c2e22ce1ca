//! Tensors of a checkpoint, which a converter claims one by one until none is left.

use std::collections::BTreeMap;

use anyface_checkpoint::{Checkpoint, LeftOut, StoredTensor};

use super::glob;
use crate::weights::WeightsError;

/// The unclaimed tensors of a checkpoint.
#[derive(Debug)]
pub(super) struct Claims<'c> {
    pub(super) checkpoint: &'c Checkpoint,
    unclaimed: BTreeMap<&'c str, &'c StoredTensor>,
    left_out: Vec<LeftOut>,
    /// Notes about data that the file lacks and the converter filled in.
    pub(super) notes: Vec<String>,
}

impl<'c> Claims<'c> {
    pub(super) fn new(checkpoint: &'c Checkpoint) -> Self {
        let tensors = checkpoint.tensors.iter();
        Self {
            checkpoint,
            unclaimed: tensors
                .map(|(name, tensor)| (name.as_str(), tensor))
                .collect(),
            left_out: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Names of the unclaimed tensors that match `pattern`.
    pub(super) fn names(&self, pattern: &str) -> impl Iterator<Item = &'c str> {
        let names = self.unclaimed.keys().copied();
        names.filter(move |name| glob::matches(pattern, name))
    }

    /// Returns an unclaimed tensor without claiming it.
    pub(super) fn get(&self, name: &str) -> Result<&'c StoredTensor, WeightsError> {
        let tensor = self.unclaimed.get(name).copied();
        tensor.ok_or_else(|| WeightsError::Missing {
            source_name: self.checkpoint.source_name.clone(),
            tensor: name.to_owned(),
        })
    }

    /// The shape of an unclaimed tensor of rank `N`.
    pub(super) fn shape<const N: usize>(&self, name: &str) -> Result<[usize; N], WeightsError> {
        let shape = self.get(name)?.shape();
        shape.try_into().map_err(|_| {
            let reason = format!("`{name}` has shape {shape:?}; it should have {N} axes");
            WeightsError::unsupported(self.checkpoint, reason)
        })
    }

    /// Claims a tensor.
    pub(super) fn take(&mut self, name: &str) -> Result<&'c StoredTensor, WeightsError> {
        let tensor = self.get(name)?;
        self.unclaimed.remove(name);
        Ok(tensor)
    }

    /// Claims a tensor that must have `shape`, ignoring axes of length 1.
    pub(super) fn take_as(
        &mut self,
        name: &str,
        shape: &[usize],
    ) -> Result<StoredTensor, WeightsError> {
        let tensor = self.take(name)?;
        let long = |shape: &[usize]| -> Vec<usize> {
            shape
                .iter()
                .copied()
                .filter(|&length| length != 1)
                .collect()
        };
        let fits = long(tensor.shape()) == long(shape);
        let reshaped = fits.then(|| tensor.reshaped(shape.to_vec())).flatten();
        reshaped.ok_or_else(|| WeightsError::Shape {
            source_name: self.checkpoint.source_name.clone(),
            tensor: name.to_owned(),
            expected: shape.to_vec(),
            found: tensor.shape().to_vec(),
        })
    }

    /// Claims every tensor under `prefix` for which `rename` returns a name.
    pub(super) fn take_renamed(
        &mut self,
        prefix: &str,
        rename: impl Fn(&str) -> Option<String>,
    ) -> BTreeMap<String, StoredTensor> {
        let mut taken = BTreeMap::new();
        self.unclaimed.retain(|name, tensor| {
            let ours = name.strip_prefix(prefix).and_then(&rename);
            let is_unknown = ours.is_none();
            taken.extend(ours.map(|ours| (ours, (*tensor).clone())));
            is_unknown
        });
        taken
    }

    /// Claims every tensor that matches `pattern` as unused, with a reason.
    pub(super) fn leave_out(&mut self, pattern: &str, reason: &str) {
        let names: Vec<&str> = self.names(pattern).collect();
        for name in &names {
            self.unclaimed.remove(name);
        }
        if !names.is_empty() {
            self.left_out.push(LeftOut {
                name: pattern.to_owned(),
                reason: format!("{reason}, tensors: {}", names.len()),
            });
        }
    }

    /// Claims every tensor outside `prefix` as unused; `reason` gives the reason for the first
    /// component of the name.
    pub(super) fn leave_out_beside(&mut self, prefix: &str, reason: impl Fn(&str) -> &'static str) {
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        self.unclaimed.retain(|name, _| {
            let is_inside = name.starts_with(prefix);
            if !is_inside {
                let group = name.split('.').next().unwrap_or(name);
                *groups.entry(group).or_default() += 1;
            }
            is_inside
        });
        let parts = groups.into_iter().map(|(group, count)| LeftOut {
            name: format!("{group}.*"),
            reason: format!("{}, tensors: {count}", reason(group)),
        });
        self.left_out.extend(parts);
    }

    /// Returns the unused tensors. Fails unless every tensor is claimed.
    pub(super) fn finish(self) -> Result<Vec<LeftOut>, WeightsError> {
        match self.unclaimed.keys().next() {
            None => Ok(self.left_out),
            Some(name) => Err(WeightsError::Unexpected {
                source_name: self.checkpoint.source_name.clone(),
                tensor: (*name).to_owned(),
            }),
        }
    }
}
