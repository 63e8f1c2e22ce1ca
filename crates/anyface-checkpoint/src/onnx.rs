//! ONNX: the weights of a graph, named by the convolution that reads them.
//!
//! Exporters fold batch normalisation into the convolutions and drop the names of the weights. So a
//! tensor takes the name of the node that reads it: `Conv_0.weight`. Tensors that no convolution
//! reads keep their own names. Format: `onnx.proto`.

use std::collections::BTreeMap;

use bytes::Bytes;
use safetensors::Dtype;

use crate::contents::Contents;
use crate::file_slice::{Fault, FileSlice, Reader};
use crate::stored::StoredTensor;

/// The most nodes and tensors in a graph.
const MAX_ITEMS: usize = 1 << 16;

/// Whether the bytes begin like ONNX: a format version, then the name of the exporter or graph.
pub(crate) fn is_onnx(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, 1..=32, 0x12 | 0x3a, ..])
}

/// Reads an ONNX file.
pub(crate) fn read(source: &FileSlice) -> Result<Contents, Fault> {
    let mut tensors = BTreeMap::new();
    let mut convolutions = Vec::new();
    let model = fields(source)?;
    let Some((_, Field::Message(graph))) = model.into_iter().find(|(number, _)| *number == 7)
    else {
        return Err(source.fault("the model has no graph"));
    };
    for (number, field) in fields(&graph)? {
        match (number, field) {
            (1, Field::Message(node)) => convolutions.extend(convolution(&node)?),
            (5, Field::Message(initializer)) => {
                let (name, tensor) = tensor(&initializer)?;
                tensors.insert(name, tensor);
            }
            _ => {}
        }
    }
    for (node, inputs) in convolutions {
        for (field, input) in ["weight", "bias"].iter().zip(inputs.iter().skip(1)) {
            if let Some(tensor) = tensors.remove(input) {
                tensors.insert(format!("{node}.{field}"), tensor);
            }
        }
    }
    Ok(Contents {
        tensors,
        ..Contents::default()
    })
}

/// Name and inputs of a node if it is a convolution.
fn convolution(node: &FileSlice) -> Result<Option<(String, Vec<String>)>, Fault> {
    let mut inputs = Vec::new();
    let mut texts = BTreeMap::new();
    for (number, field) in fields(node)? {
        if let Field::Message(text) = field {
            match number {
                1 => inputs.push(utf8(&text)?),
                3 | 4 => drop(texts.insert(number, utf8(&text)?)),
                _ => {}
            }
        }
    }
    let is_convolution = texts.get(&4).is_some_and(|operator| operator == "Conv");
    let name = texts.remove(&3).unwrap_or_default();
    Ok(is_convolution.then_some((name, inputs)))
}

/// Name and value of an initializer.
fn tensor(message: &FileSlice) -> Result<(String, StoredTensor), Fault> {
    let (mut name, mut shape, mut code) = (String::new(), Vec::new(), 0);
    let mut elements = Bytes::new();
    for (number, field) in fields(message)? {
        match (number, field) {
            (1, Field::Number(size)) => shape.push(size),
            (1, Field::Message(packed)) => shape.extend(packed_numbers(&packed)?),
            (2, Field::Number(value)) => code = value,
            (8, Field::Message(text)) => name = utf8(&text)?,
            // Floats and doubles may be stored in lists of their own.
            (4 | 9 | 10, Field::Message(data)) => elements = data.bytes,
            _ => {}
        }
    }
    let fault = |reason: String| message.fault(format!("`{name}`: {reason}"));
    let dtype = match code {
        1 => Dtype::F32,
        7 => Dtype::I64,
        10 => Dtype::F16,
        11 => Dtype::F64,
        _ => {
            return Err(fault(format!("ONNX element type {code} is not supported")));
        }
    };
    let size = |size: &u64| usize::try_from(*size).ok();
    let Some(shape) = shape.iter().map(size).collect() else {
        return Err(fault(format!("invalid shape {shape:?}")));
    };
    let tensor = StoredTensor::contiguous(dtype, shape, &elements).map_err(&fault)?;
    Ok((name.clone(), tensor))
}

/// One field of a protocol buffer message.
enum Field {
    Number(u64),
    /// A message, string or list.
    Message(FileSlice),
}

/// The fields of a message, by number.
fn fields(message: &FileSlice) -> Result<Vec<(u64, Field)>, Fault> {
    let mut reader = message.reader();
    let mut fields = Vec::new();
    while reader.position() < message.bytes.len() {
        if fields.len() == MAX_ITEMS {
            return Err(reader.fault(format!("a message has more than {MAX_ITEMS} fields")));
        }
        let key = number(&mut reader)?;
        let field = match key & 7 {
            0 => Field::Number(number(&mut reader)?),
            1 => Field::Number(u64::from_le_bytes(reader.array()?)),
            2 => {
                let length = number(&mut reader)?;
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                Field::Message(message.part_of(reader.take(length)?))
            }
            5 => Field::Number(u32::from_le_bytes(reader.array()?).into()),
            wire => {
                return Err(
                    reader.fault(format!("protocol buffer wire type {wire} is not supported"))
                );
            }
        };
        fields.push((key >> 3, field));
    }
    Ok(fields)
}

fn packed_numbers(list: &FileSlice) -> Result<Vec<u64>, Fault> {
    let mut reader = list.reader();
    let mut numbers = Vec::new();
    while reader.position() < list.bytes.len() {
        numbers.push(number(&mut reader)?);
    }
    Ok(numbers)
}

/// A varint: seven bits per byte, least significant first.
fn number(reader: &mut Reader<'_>) -> Result<u64, Fault> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = reader.byte()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(reader.fault("a number has more than 64 bits"))
}

fn utf8(text: &FileSlice) -> Result<String, Fault> {
    String::from_utf8(text.bytes.to_vec()).map_err(|_| text.fault("text is not UTF-8"))
}
