//! numpy arrays, in `.npy` files and in pickles.
//!
//! Format: `numpy/lib/format.py`.

use bytes::Bytes;
use safetensors::Dtype;
use serde_json::Value;

use crate::file_slice::{Fault, FileSlice};
use crate::pickle::{Graph, Id, Node};
use crate::stored::StoredTensor;

/// Magic number of an `.npy` file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The most bytes in the header of an `.npy` file.
const MAX_HEADER: usize = 1 << 16;

/// Reads an `.npy` file.
pub(crate) fn read_npy(source: &FileSlice) -> Result<StoredTensor, Fault> {
    let mut reader = source.reader();
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(source.fault("the magic number is not numpy's"));
    }
    let [major, _minor] = reader.array()?;
    let length = match major {
        1 => u16::from_le_bytes(reader.array()?).into(),
        _ => reader.len32()?,
    };
    if length > MAX_HEADER {
        return Err(reader.fault(format!("the header has {length} bytes, over the limit")));
    }
    let offset = reader.offset();
    let header = reader.text(length)?;
    let fault = |reason: String| Fault::new(offset, reason);
    let header = Header::parse(header)
        .ok_or_else(|| fault(format!("not a numpy header: {}", header.trim_end())))?;
    let dtype = dtype(header.descr).map_err(fault)?;
    let elements = source.bytes.slice(reader.position()..);
    array(dtype, header.shape, header.fortran_order, &elements).map_err(fault)
}

/// The header dict of an `.npy` file.
#[derive(Debug, PartialEq)]
struct Header<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'a> Header<'a> {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` with keys in any order.
    /// Structured types, where `descr` is a list, are not supported.
    fn parse(text: &'a str) -> Option<Self> {
        let value = |key: &str| {
            let (_, rest) = text.split_once(&format!("'{key}':"))?;
            Some(rest.trim_start())
        };
        let (descr, _) = value("descr")?.strip_prefix('\'')?.split_once('\'')?;
        let (shape, _) = value("shape")?.strip_prefix('(')?.split_once(')')?;
        let shape = shape
            .split(',')
            .map(str::trim)
            .filter(|size| !size.is_empty())
            .map(|size| size.trim_end_matches('L').parse().ok())
            .collect::<Option<_>>()?;
        let order = value("fortran_order")?;
        Some(Self {
            descr,
            fortran_order: order.starts_with("True"),
            shape,
        })
    }
}

/// The array at a node of a pickle; `None` if the node is not an array.
pub(crate) fn pickled_array(graph: &Graph<'_>, id: Id) -> Result<Option<StoredTensor>, Fault> {
    let fault = |reason: String| graph.fault(id, reason);
    let (dtype, shape, order, data) = match (graph.call(id), graph.node(id)) {
        (Some(((module, "_reconstruct"), _)), Node::Call(call)) if is_multiarray(module) => {
            let state = call.state.and_then(|state| graph.sequence(state));
            let Some(&[_version, shape, dtype, order, data]) = state else {
                return Err(fault("an array has no state".to_owned()));
            };
            (dtype, shape, *graph.node(order) == Node::Bool(true), data)
        }
        (
            Some((
                ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer"),
                &[data, dtype, shape, order],
            )),
            _,
        ) => (dtype, shape, graph.text(order) == Some("F"), data),
        _ => return Ok(None),
    };
    let dtype = pickled_dtype(graph, dtype).map_err(fault)?;
    let shape = graph
        .sequence(shape)
        .and_then(|shape| shape.iter().map(|&size| graph.size(size)).collect())
        .ok_or_else(|| fault("an array has no shape".to_owned()))?;
    let data = graph
        .bytes(data)
        .ok_or_else(|| fault("an array has no elements".to_owned()))?;
    // numpy arrays in pickles are small; the large arrays are torch tensors.
    let elements = Bytes::copy_from_slice(&data);
    array(dtype, shape, order, &elements)
        .map(Some)
        .map_err(fault)
}

/// The value of a numpy scalar in a pickle.
pub(crate) fn pickled_scalar(graph: &Graph<'_>, id: Id) -> Option<Value> {
    let ((module, "scalar"), &[dtype, data]) = graph.call(id)? else {
        return None;
    };
    let dtype = pickled_dtype(graph, dtype).ok()?;
    let data = graph.bytes(data)?;
    if !is_multiarray(module) || data.len() != dtype.bitsize() / 8 {
        return None;
    }
    match dtype {
        Dtype::BOOL => Some((data[0] != 0).into()),
        Dtype::F64 => Some(f64::from_le_bytes(data.as_ref().try_into().ok()?).into()),
        Dtype::F32 => Some(f32::from_le_bytes(data.as_ref().try_into().ok()?).into()),
        Dtype::I64 => Some(i64::from_le_bytes(data.as_ref().try_into().ok()?).into()),
        Dtype::I32 => Some(i32::from_le_bytes(data.as_ref().try_into().ok()?).into()),
        _ => None,
    }
}

fn is_multiarray(module: &str) -> bool {
    matches!(module, "numpy.core.multiarray" | "numpy._core.multiarray")
}

/// `numpy.dtype('f8', …)` with the state `(version, byte order, …)`.
fn pickled_dtype(graph: &Graph<'_>, id: Id) -> Result<Dtype, String> {
    let unknown = || "an array has an unknown element type".to_owned();
    let (Some((("numpy", "dtype"), [name, ..])), Node::Call(call)) =
        (graph.call(id), graph.node(id))
    else {
        return Err(unknown());
    };
    let state = call.state.and_then(|state| graph.sequence(state));
    let order = state
        .and_then(|state| graph.text(*state.get(1)?))
        .unwrap_or("|");
    dtype(&format!(
        "{order}{}",
        graph.text(*name).ok_or_else(unknown)?
    ))
}

/// An element type from numpy's name for it, with the byte order first.
fn dtype(name: &str) -> Result<Dtype, String> {
    match name.trim_start_matches(['<', '|', '=']) {
        "f8" => Ok(Dtype::F64),
        "f4" => Ok(Dtype::F32),
        "f2" => Ok(Dtype::F16),
        "i8" => Ok(Dtype::I64),
        "i4" => Ok(Dtype::I32),
        "i2" => Ok(Dtype::I16),
        "i1" => Ok(Dtype::I8),
        "u8" => Ok(Dtype::U64),
        "u4" => Ok(Dtype::U32),
        "u2" => Ok(Dtype::U16),
        "u1" => Ok(Dtype::U8),
        "b1" => Ok(Dtype::BOOL),
        _ => Err(format!("arrays of type {name} are not supported")),
    }
}

fn array(
    dtype: Dtype,
    shape: Vec<usize>,
    fortran_order: bool,
    elements: &Bytes,
) -> Result<StoredTensor, String> {
    if !fortran_order {
        return StoredTensor::contiguous(dtype, shape, elements);
    }
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let axes: Vec<usize> = (0..shape.len()).rev().collect();
    StoredTensor::contiguous(dtype, reversed, elements).map(|tensor| tensor.permuted(&axes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, elements: &[u8]) -> FileSlice {
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        let bytes = [MAGIC, &[1, 0], &length, header.as_bytes(), elements].concat();
        FileSlice {
            bytes: bytes.into(),
            start: 0,
        }
    }

    #[test]
    fn fortran_order_is_followed() {
        let read = |order: &str| {
            let header = format!("{{'descr': '|u1', 'fortran_order': {order}, 'shape': (2, 3), }}");
            let array = read_npy(&npy(&header, &[0, 1, 2, 3, 4, 5])).unwrap();
            assert_eq!(array.shape(), [2, 3]);
            array.data().into_owned()
        };
        assert_eq!(read("False"), [0, 1, 2, 3, 4, 5]);
        assert_eq!(read("True"), [0, 2, 4, 1, 3, 5]);
    }

    #[test]
    fn unsupported_types_are_named() {
        let fault = |descr: &str| {
            let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}");
            read_npy(&npy(&header, &[0; 8])).unwrap_err().to_string()
        };
        assert!(fault("'|O'").contains("arrays of type |O"));
        assert!(fault("'>f4'").contains("arrays of type >f4"));
        assert!(fault("[('a', '<f4')]").contains("not a numpy header"));
        assert!(fault("'<c16'").contains("<c16"));
        let short = read_npy(&npy(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }",
            &[0; 15],
        ));
        assert!(short.unwrap_err().reason.contains("leaves its storage"));
    }
}
