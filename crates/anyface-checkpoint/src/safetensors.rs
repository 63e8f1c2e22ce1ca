//! Safetensors, one file or shards.

use std::collections::BTreeMap;
use std::path::Path;

use ::safetensors::SafeTensors;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::contents::Contents;
use crate::source::{Fault, Source};
use crate::stored::StoredTensor;
use crate::{Checkpoint, CheckpointError, Container, map_file};

/// Bytes of the header's length.
const LENGTH: usize = 8;

/// Whether the bytes begin as a safetensors file: the length of a header that fits, and its brace.
pub(crate) fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, header)) = bytes.split_first_chunk::<LENGTH>() else {
        return false;
    };
    header.first() == Some(&b'{') && u64::from_le_bytes(*length) < 1 << 32
}

/// Reads one file; what stands under `__metadata__` becomes the metadata, JSON as JSON.
pub(crate) fn read(source: &Source) -> Result<Contents, Fault> {
    let fault = |error: String| Fault::new(source.start, error);
    let (header, metadata) =
        SafeTensors::read_metadata(&source.bytes).map_err(|error| fault(error.to_string()))?;
    let mut contents = Contents::default();
    for (name, info) in metadata.tensors() {
        let (start, end) = info.data_offsets;
        let elements = source
            .bytes
            .slice(LENGTH + header + start..LENGTH + header + end);
        let tensor = StoredTensor::contiguous(info.dtype, info.shape.clone(), &elements)
            .map_err(|reason| fault(format!("`{name}`: {reason}")))?;
        contents.tensors.insert(name, tensor);
    }
    let values = metadata.metadata().iter().flatten().map(|(key, text)| {
        let value = serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into());
        (key.clone(), value)
    });
    contents.metadata = values.collect::<Map<String, Value>>().into();
    Ok(contents)
}

/// `model.safetensors.index.json`.
#[derive(Deserialize)]
struct Index {
    /// Tensor to file.
    weight_map: BTreeMap<String, String>,
}

/// Opens the files that an index at `path` names, which stand beside it, and checks that each has the tensors it should.
pub(crate) fn open_shards(path: &Path, index: &Bytes) -> Result<Checkpoint, CheckpointError> {
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
        if !is_safetensors(&bytes) {
            return Err(CheckpointError::Malformed {
                source_name,
                source: Fault::new(0, "not a safetensors file"),
            });
        }
        Self::from_bytes(bytes, &source_name)
    }
}
