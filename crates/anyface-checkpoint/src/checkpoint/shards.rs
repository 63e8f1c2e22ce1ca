//! Sharded checkpoints: several files and an index.

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

/// Content of `model.safetensors.index.json` or `pytorch_model.bin.index.json`.
#[derive(Deserialize)]
struct Index {
    /// Maps tensor names to file names.
    weight_map: BTreeMap<String, String>,
}

/// Opens the files listed in the index at `path`, in the same folder, and checks that each has its
/// listed tensors.
pub(super) fn open_shards(path: &Path, index: &Bytes) -> Result<Checkpoint, CheckpointError> {
    let source_name = path.display().to_string();
    let fault = |reason: String| CheckpointError::Malformed {
        source_name: source_name.clone(),
        source: Fault::new(0, reason),
    };
    let index: Index = serde_json::from_slice(index)
        .map_err(|error| fault(format!("not an index of shards: {error}")))?;
    let mut tensors = BTreeMap::new();
    let mut shards: BTreeMap<String, Checkpoint> = BTreeMap::new();
    for (name, file) in index.weight_map {
        if !shards.contains_key(&file) {
            if Path::new(&file).file_name() != Some(file.as_ref()) {
                return Err(fault(format!(
                    "`{file}` is not the name of a file beside the index"
                )));
            }
            let shard = open_shard(&path.with_file_name(&file))?;
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
    let is_torch = |shard: &Checkpoint| shard.container != Container::Safetensors;
    let container = match shards.values().any(is_torch) {
        true => Container::ShardedTorch,
        false => Container::ShardedSafetensors,
    };
    let checksums = shards.into_values().flat_map(|shard| shard.checksums);
    Ok(Checkpoint {
        source_name,
        container,
        tensors,
        metadata: Value::Null,
        left_out: Vec::new(),
        path: Some(path.to_owned()),
        checksums: checksums.collect(),
    })
}

/// Opens one shard. It must be safetensors or torch, since an index that lists indices could
/// recurse forever.
fn open_shard(path: &Path) -> Result<Checkpoint, CheckpointError> {
    let source_name = path.display().to_string();
    let shard = Checkpoint::from_bytes(map_file(path)?, &source_name)?;
    match shard.container {
        Container::Safetensors | Container::TorchZip | Container::TorchLegacy => Ok(shard),
        other => Err(CheckpointError::Malformed {
            source_name,
            source: Fault::new(0, format!("the shard is {other}, not safetensors or torch")),
        }),
    }
}
