//! Files of `torch.save` since 1.6 and of TorchScript: a zip archive with a pickle,
//! `ROOT/data.pkl`, and one file per storage, `ROOT/data/KEY`.

use std::collections::HashMap;

use super::Storages;
use super::state::contents;
use crate::contents::Contents;
use crate::file_slice::Fault;
use crate::pickle::load;
use crate::zip::Members;

/// The function that wrote the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archive {
    /// `torch.save`.
    Saved,
    /// `torch.jit.save`: a module with its code, which is not read.
    TorchScript,
}

/// Reads an archive.
pub(crate) fn read_archive(members: &Members) -> Result<(Archive, Contents), Fault> {
    let pickles: Vec<&str> = members
        .names()
        .filter(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
        .collect();
    let &[pickle] = pickles.as_slice() else {
        let reason = format!("the archive has {} files data.pkl, not one", pickles.len());
        return Err(members.fault(reason));
    };
    let root = pickle.trim_end_matches("data.pkl");
    let order = members.get(&format!("{root}byteorder"));
    if let Some(order) = order.filter(|order| order.bytes.as_ref() == b"big") {
        return Err(order.fault("files of big-endian machines are not supported"));
    }
    let folder = format!("{root}data/");
    let mut by_key = HashMap::new();
    for key in members
        .names()
        .filter_map(|name| name.strip_prefix(&folder))
    {
        if let Some(storage) = members.get(&format!("{folder}{key}")) {
            by_key.insert(key.to_owned(), storage.bytes);
        }
    }
    let Some(source) = members.get(pickle) else {
        return Err(members.fault("the archive has no data.pkl"));
    };
    let (graph, object) = load(&mut source.reader())?;
    let contents = contents(&graph, object, &Storages::new(&source, by_key))?;
    let code = format!("{root}code/");
    let is_script = members
        .names()
        .any(|name| name.starts_with(&code) || name == format!("{root}constants.pkl"));
    let archive = match is_script {
        true => Archive::TorchScript,
        false => Archive::Saved,
    };
    Ok((archive, contents))
}
