//! safetensors files.

use ::safetensors::SafeTensors;
use serde_json::{Map, Value};

use crate::contents::Contents;
use crate::file_slice::{Fault, FileSlice};
use crate::stored::StoredTensor;

/// Bytes of the header length.
const LENGTH: usize = 8;

/// Whether the bytes begin like safetensors: a header length that fits, and an opening brace.
pub(crate) fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, header)) = bytes.split_first_chunk::<LENGTH>() else {
        return false;
    };
    header.first() == Some(&b'{') && u64::from_le_bytes(*length) < 1 << 32
}

/// Reads one file. The entries of `__metadata__` become the metadata; values that are JSON are
/// parsed.
pub(crate) fn read(source: &FileSlice) -> Result<Contents, Fault> {
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
