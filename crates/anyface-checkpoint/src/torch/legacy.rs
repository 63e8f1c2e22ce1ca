//! Files of `torch.save` before 1.6: five pickles (magic number, protocol, system, object, storage
//! keys), then for each key the number of elements and the elements.

use std::collections::HashMap;

use super::state::contents;
use super::tensor::{Storage, StorageClass, Storages, description_of};
use crate::contents::Contents;
use crate::file_slice::{Fault, FileSlice, Reader};
use crate::pickle::{Graph, Id, Node, load};

/// First bytes of every such file: the pickled number 0x1950a86a20f9469cfc6c, in protocol 2 and in
/// protocol 1.
const MAGIC: [&[u8]; 2] = [
    b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e",
    b"L119547037146038801333356L\n.",
];

/// Whether the bytes begin with the magic number.
pub(crate) fn is_legacy(bytes: &[u8]) -> bool {
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
}

/// Reads a legacy file.
pub(crate) fn read_legacy(source: &FileSlice) -> Result<Contents, Fault> {
    let mut reader = source.reader();
    let (graph, root) = object(&mut reader)?;
    let by_key = storages(&mut reader, source, &graph)?
        .into_iter()
        .map(|(key, storage)| (key, storage.bytes))
        .collect();
    contents(&graph, root, &Storages::new(source, by_key))
}

/// Reads a file whose object is one storage. Plain pickles store their tensors this way.
pub(super) fn read_storage(source: &FileSlice) -> Result<Storage, Fault> {
    let mut reader = source.reader();
    let (graph, root) = object(&mut reader)?;
    let storages = storages(&mut reader, source, &graph)?;
    let key = match graph.node(root) {
        &Node::Persistent(description) => description_of(&graph, description),
        _ => None,
    };
    key.and_then(|(_, key, _)| storages.get(key).cloned())
        .ok_or_else(|| graph.fault(root, "the bytes are not a storage"))
}

/// The fourth pickle, after the three of the header.
fn object<'a>(reader: &mut Reader<'a>) -> Result<(Graph<'a>, Id), Fault> {
    let Some(magic) = MAGIC.iter().find(|magic| reader.starts_with(magic)) else {
        return Err(reader.fault("the magic number is not torch's"));
    };
    reader.take(magic.len())?;
    let offset = reader.offset();
    let (graph, version) = load(reader)?;
    if graph.size(version) != Some(1001) {
        return Err(Fault::new(offset, "the torch protocol is not 1001"));
    }
    let offset = reader.offset();
    let (graph, system) = load(reader)?;
    let little = graph
        .mapping(system)
        .and_then(|items| graph.get(&items, "little_endian"));
    if little.is_some_and(|id| *graph.node(id) == Node::Bool(false)) {
        return Err(Fault::new(
            offset,
            "files of big-endian machines are not supported",
        ));
    }
    load(reader)
}

/// The storages that follow the object, by key.
fn storages(
    reader: &mut Reader<'_>,
    source: &FileSlice,
    graph: &Graph<'_>,
) -> Result<HashMap<String, Storage>, Fault> {
    let classes: HashMap<&str, StorageClass> = graph
        .nodes()
        .filter_map(|node| match node {
            Node::Persistent(description) => description_of(graph, *description),
            _ => None,
        })
        .map(|(class, key, _)| (key, class))
        .collect();
    let offset = reader.offset();
    let (list, root) = load(reader)?;
    let Some(keys) = list.sequence(root) else {
        return Err(Fault::new(offset, "the storage keys are not a list"));
    };
    let mut storages = HashMap::new();
    for &key in keys {
        let name = list
            .text(key)
            .ok_or_else(|| list.fault(key, "a storage key is not a string"))?;
        let Some(StorageClass::Typed(dtype)) = classes.get(name) else {
            return Err(list.fault(
                key,
                format!("no tensor gives the element type of the storage `{name}`"),
            ));
        };
        let offset = reader.offset();
        let elements = reader.len64()?;
        let length = elements.checked_mul(dtype.bitsize() / 8).ok_or_else(|| {
            Fault::new(
                offset,
                format!("a storage has an invalid size of {elements} elements"),
            )
        })?;
        let bytes = source.part_of(reader.take(length)?).bytes;
        let dtype = Some(*dtype);
        storages.insert(name.to_owned(), Storage { dtype, bytes });
    }
    Ok(storages)
}
