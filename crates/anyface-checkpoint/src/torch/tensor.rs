//! Tensors in torch pickles: a call of a rebuild function on a storage.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;

use bytes::Bytes;
use safetensors::Dtype;

use super::legacy;
use crate::file_slice::{Fault, FileSlice};
use crate::pickle::{Graph, Id, Node};
use crate::stored::StoredTensor;

/// The most rebuild functions around a tensor (`Parameter`, subclasses).
const MAX_WRAPPERS: usize = 4;

/// The storages behind the tensors of a pickle.
#[derive(Debug)]
pub(crate) struct Storages<'s> {
    /// The bytes that contain the pickle.
    source: &'s FileSlice,
    /// Storages outside the pickle.
    by_key: HashMap<String, Bytes>,
    /// Opened storages inside the pickle; each is a legacy file in a byte string.
    nested: RefCell<HashMap<Id, Storage>>,
}

/// Elements in memory order.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    /// Element type; `None` if the tensor gives it (`UntypedStorage`).
    pub(super) dtype: Option<Dtype>,
    pub(super) bytes: Bytes,
}

impl<'s> Storages<'s> {
    /// Storages of a pickle in `source`; `by_key` are the storages outside it.
    pub(crate) fn new(source: &'s FileSlice, by_key: HashMap<String, Bytes>) -> Self {
        Self {
            source,
            by_key,
            nested: RefCell::default(),
        }
    }

    /// The tensor at a node; `None` if the node is not a tensor.
    pub(crate) fn tensor(&self, graph: &Graph<'_>, id: Id) -> Result<Option<StoredTensor>, Fault> {
        let Some((mut callee, mut args)) = graph.call(id) else {
            return Ok(None);
        };
        for _ in 0..MAX_WRAPPERS {
            match (callee, args) {
                (
                    ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state"),
                    [inner, ..],
                ) => {
                    let Some(call) = graph.call(*inner) else {
                        return Err(graph.fault(id, "a parameter has no tensor"));
                    };
                    (callee, args) = call;
                }
                (("torch._tensor", "_rebuild_from_type_v2"), [function, _, inner, ..]) => {
                    match (graph.global(*function), graph.node(*inner)) {
                        (Some(function), Node::Tuple(inner)) => (callee, args) = (function, inner),
                        _ => return Err(graph.fault(id, "a tensor has no rebuild function")),
                    }
                }
                (("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2"), _) => {
                    return self.view(graph, id, args, None).map(Some);
                }
                (("torch._utils", "_rebuild_tensor_v3"), [.., dtype, _]) if args.len() == 8 => {
                    return self.view(graph, id, args, Some(*dtype)).map(Some);
                }
                (("torch._utils", "_rebuild_tensor_v3"), [_, _, _, _, _, _, dtype]) => {
                    return self.view(graph, id, args, Some(*dtype)).map(Some);
                }
                _ => return Ok(None),
            }
        }
        Err(graph.fault(
            id,
            format!("a tensor is wrapped more than {MAX_WRAPPERS} times"),
        ))
    }

    /// Reads `(storage, offset, size, stride, …)`.
    fn view(
        &self,
        graph: &Graph<'_>,
        id: Id,
        args: &[Id],
        dtype: Option<Id>,
    ) -> Result<StoredTensor, Fault> {
        let &[storage, offset, shape, strides, ..] = args else {
            return Err(graph.fault(id, "a tensor has too few arguments"));
        };
        let sizes = |id| {
            let sizes = graph.sequence(id)?.iter().map(|&size| graph.size(size));
            sizes.collect::<Option<Vec<usize>>>()
        };
        let (Some(offset), Some(shape), Some(strides)) =
            (graph.size(offset), sizes(shape), sizes(strides))
        else {
            return Err(graph.fault(id, "the offset, shape or strides of a tensor are invalid"));
        };
        let storage = self.storage(graph, storage)?;
        let dtype = match dtype {
            Some(dtype) => graph.global(dtype).and_then(named_dtype),
            None => storage.dtype,
        };
        let Some(dtype) = dtype else {
            return Err(graph.fault(id, "a tensor has an unknown element type"));
        };
        StoredTensor::strided(dtype, shape, strides, offset, &storage.bytes)
            .map_err(|reason| graph.fault(id, reason))
    }

    fn storage(&self, graph: &Graph<'_>, id: Id) -> Result<Storage, Fault> {
        if let &Node::Persistent(description) = graph.node(id) {
            return self.outside(graph, description);
        }
        let Some((("torch.storage", "_load_from_bytes"), [bytes])) = graph.call(id) else {
            return Err(graph.fault(id, "a tensor has no storage"));
        };
        if let Some(storage) = self.nested.borrow().get(bytes) {
            return Ok(storage.clone());
        }
        let stream = match (graph.node(*bytes), graph.bytes(*bytes)) {
            (Node::Bytes(Cow::Borrowed(slice)), _) => self.source.part_of(slice),
            (_, Some(decoded)) => FileSlice {
                bytes: decoded.into_owned().into(),
                start: self.source.start,
            },
            _ => return Err(graph.fault(id, "a storage is not bytes")),
        };
        let storage = legacy::read_storage(&stream)?;
        self.nested.borrow_mut().insert(*bytes, storage.clone());
        Ok(storage)
    }

    /// Reads `('storage', class, key, location, elements[, view])`; `view` is `None` or
    /// `(key, offset, elements)`.
    fn outside(&self, graph: &Graph<'_>, description: Id) -> Result<Storage, Fault> {
        let fault = |reason: &str| graph.fault(description, reason);
        let Some((dtype, key, parts)) = description_of(graph, description) else {
            return Err(fault("the description of a storage is unknown"));
        };
        let Some(bytes) = self.by_key.get(key) else {
            return Err(fault(&format!("the storage `{key}` is not in the file")));
        };
        let dtype = match dtype {
            StorageClass::Typed(dtype) => Some(dtype),
            StorageClass::Untyped => None,
        };
        let view = parts.get(5).and_then(|&view| graph.sequence(view));
        let (Some(&[_, offset, length]), Some(dtype)) = (view, dtype) else {
            return Ok(Storage {
                dtype,
                bytes: bytes.clone(),
            });
        };
        let size = dtype.bitsize() / 8;
        let in_bytes = |id| graph.size(id)?.checked_mul(size);
        let range = in_bytes(offset)
            .zip(in_bytes(length))
            .and_then(|(offset, length)| Some(offset..offset.checked_add(length)?))
            .filter(|range| range.end <= bytes.len());
        match range {
            Some(range) => Ok(Storage {
                dtype: Some(dtype),
                bytes: bytes.slice(range),
            }),
            None => Err(fault("a view leaves its storage")),
        }
    }
}

/// Element type that a storage class implies.
#[derive(Debug, Clone, Copy)]
pub(super) enum StorageClass {
    Typed(Dtype),
    Untyped,
}

/// Class, key and all fields of a storage's persistent id.
pub(super) fn description_of<'g>(
    graph: &'g Graph<'_>,
    description: Id,
) -> Option<(StorageClass, &'g str, &'g [Id])> {
    let parts = graph.sequence(description)?;
    let &[tag, class, key, ..] = parts else {
        return None;
    };
    if graph.text(tag)? != "storage" {
        return None;
    }
    let class = storage_class(graph.global(class)?)?;
    Some((class, graph.text(key)?, parts))
}

fn storage_class((module, name): (&str, &str)) -> Option<StorageClass> {
    if !matches!(module, "torch" | "torch.storage" | "torch.cuda") {
        return None;
    }
    Some(StorageClass::Typed(match name {
        "DoubleStorage" => Dtype::F64,
        "FloatStorage" => Dtype::F32,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::BF16,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" => Dtype::U8,
        "BoolStorage" => Dtype::BOOL,
        "UntypedStorage" => return Some(StorageClass::Untyped),
        _ => return None,
    }))
}

fn named_dtype((module, name): (&str, &str)) -> Option<Dtype> {
    match (module, name) {
        ("torch", "float64") => Some(Dtype::F64),
        ("torch", "float32") => Some(Dtype::F32),
        ("torch", "float16") => Some(Dtype::F16),
        ("torch", "bfloat16") => Some(Dtype::BF16),
        ("torch", "int64") => Some(Dtype::I64),
        ("torch", "int32") => Some(Dtype::I32),
        ("torch", "int16") => Some(Dtype::I16),
        ("torch", "int8") => Some(Dtype::I8),
        ("torch", "uint8") => Some(Dtype::U8),
        ("torch", "uint16") => Some(Dtype::U16),
        ("torch", "uint32") => Some(Dtype::U32),
        ("torch", "uint64") => Some(Dtype::U64),
        ("torch", "bool") => Some(Dtype::BOOL),
        ("torch", "float8_e4m3fn") => Some(Dtype::F8_E4M3),
        ("torch", "float8_e5m2") => Some(Dtype::F8_E5M2),
        _ => None,
    }
}
