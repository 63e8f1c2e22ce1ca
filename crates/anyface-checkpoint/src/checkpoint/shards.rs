//! Shards: several safetensors files with an index.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::Checkpoint;
use crate::container::Container;
use crate::error::CheckpointError;
use crate::file_slice::Fault;
use crate::map::map_file;
use crate::safetensors;

/// `model.safetensors.index.json`.
#[derive(Deserialize)]
struct Index {
    /// Tensor to file.
    weight_map: BTreeMap<String, String>,
}

/// Opens the files that an index at `path` names, which stand beside it, and checks that each has the tensors it should.
pub(super) fn open_shards(path: &Path, index: &Bytes) -> Result<Checkpoint, CheckpointError> {
    let source_name = path.display().to_string();
    let fault = |reason: String| CheckpointError::Malformed {
        source_name: source_name.clone(),
        source: Fault::new(0, reason),
    };
    let index: Index = serde_json::from_slice(index)
        .map_err(|error| fault(format!("no index of safetensors: {error}")))?;
    let mut tensors = BTreeMap::new();
    let mut shards = BTreeMap::new();
    for (name, file) in index.weight_map {
        if !shards.contains_key(&file) {
            if Path::new(&file).file_name() != Some(file.as_ref()) {
                return Err(fault(format!(
                    "`{file}` is no name of a file beside the index"
                )));
            }
            let shard = Checkpoint::open_safetensors(&path.with_file_name(&file))?;
            shards.insert(file.clone(), shard);
        }
        let Some(tensor) = shards[&file].tensors.get(&name) else {
            return Err(CheckpointError::MissingTensor {
                source_name: shards[&file].source_name.clone(),
                tensor: name,
            });
        };
        tensors.insert(name, tensor.clone());
    }
    Ok(Checkpoint {
        source_name,
        container: Container::ShardedSafetensors,
        tensors,
        metadata: Value::Null,
        left_out: Vec::new(),
        path: Some(path.to_owned()),
        checksums: Vec::new(),
    })
}

impl Checkpoint {
    /// Opens a file that must be a safetensors file: an index that names indices would never end.
    fn open_safetensors(path: &Path) -> Result<Self, CheckpointError> {
        let source_name = path.display().to_string();
        let bytes = map_file(path)?;
        if !safetensors::is_safetensors(&bytes) {
            return Err(CheckpointError::Malformed {
                source_name,
                source: Fault::new(0, "not a safetensors file"),
            });
        }
        Self::from_bytes(bytes, &source_name)
    }
}
