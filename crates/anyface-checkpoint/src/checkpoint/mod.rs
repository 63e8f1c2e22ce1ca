//! [`Checkpoint`]: the tensors of a file in any supported container.

mod shards;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;

use crate::container::Container;
use crate::contents::{Contents, LeftOut};
use crate::error::CheckpointError;
use crate::file_slice::{Fault, FileSlice};
use crate::map::map_file;
use crate::stored::StoredTensor;
use crate::torch::{self, Archive};
use crate::zip::{Checksum, Members};
use crate::{folder, ncnn, no_checkpoint, numpy, onnx, pickle, safetensors};

/// The contents of a checkpoint file in any supported container.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checkpoint {
    /// Name of the source in error messages.
    pub source_name: String,
    /// Container of the file.
    pub container: Container,
    /// Tensors by dotted name: keys of dicts, attributes of modules, indices of lists.
    pub tensors: BTreeMap<String, StoredTensor>,
    /// Everything else that JSON can express, as nested objects under the same names, e.g. the
    /// constructor arguments of a module.
    pub metadata: Value,
    /// Objects that were not read, with the reason.
    pub left_out: Vec<LeftOut>,
    /// Path of the file; `None` if the checkpoint was read from bytes.
    path: Option<PathBuf>,
    checksums: Vec<Checksum>,
}

impl Checkpoint {
    /// Opens a file, or all shards listed in an index file. Tensors stay memory-mapped: do not
    /// modify the file while the checkpoint is in use.
    ///
    /// # Errors
    /// If the file cannot be read, its container is unknown, or it is damaged; the error gives the
    /// byte offset.
    pub fn open(path: &Path) -> Result<Self, CheckpointError> {
        let source_name = path.display().to_string();
        if path.is_dir() {
            return Err(CheckpointError::Folder {
                path: path.to_owned(),
                advice: folder::advice(path),
            });
        }
        let bytes = map_file(path)?;
        if bytes.first() == Some(&b'{') {
            return shards::open_shards(path, &bytes);
        }
        let checkpoint = match bytes.starts_with(ncnn::MAGIC) {
            true => Self::open_ncnn(path, bytes)?,
            false => Self::from_bytes(bytes, &source_name)?,
        };
        Ok(Self {
            path: Some(path.to_owned()),
            ..checkpoint
        })
    }

    /// Like [`Self::open`] for the bytes of one file; `source_name` replaces the path in errors.
    ///
    /// # Errors
    /// See [`Self::open`].
    pub fn from_bytes(bytes: Bytes, source_name: &str) -> Result<Self, CheckpointError> {
        let source = FileSlice { bytes, start: 0 };
        let parts = read(&source);
        match no_checkpoint::name(&source.bytes).filter(|_| parts.is_err()) {
            Some(reason) => Err(CheckpointError::NoCheckpoint {
                source_name: source_name.to_owned(),
                reason,
            }),
            None => Self::new(parts, source_name),
        }
    }

    /// Opens an ncnn graph and the weights beside it.
    fn open_ncnn(path: &Path, graph: Bytes) -> Result<Self, CheckpointError> {
        let weights_path = path.with_extension("bin");
        let whole = |bytes| FileSlice { bytes, start: 0 };
        let contents = ncnn::read(&whole(graph), &whole(map_file(&weights_path)?));
        let parts = contents.map(|contents| (Container::Ncnn, contents, Vec::new()));
        // Offsets in errors refer to the weights file. A malformed line of the graph is quoted
        // instead.
        Self::new(parts, &weights_path.display().to_string())
    }

    fn new(
        parts: Result<(Container, Contents, Vec<Checksum>), Fault>,
        source_name: &str,
    ) -> Result<Self, CheckpointError> {
        let source_name = source_name.to_owned();
        let (container, contents, checksums) = match parts {
            Ok(parts) => parts,
            Err(source) => {
                return Err(CheckpointError::Malformed {
                    source_name,
                    source,
                });
            }
        };
        Ok(Self {
            source_name,
            container,
            tensors: contents.tensors,
            metadata: contents.metadata,
            left_out: contents.left_out,
            path: None,
            checksums,
        })
    }

    /// A copy of this checkpoint with `tensors` in place of its own.
    #[must_use]
    pub fn with_tensors(&self, tensors: BTreeMap<String, StoredTensor>) -> Self {
        Self {
            source_name: self.source_name.clone(),
            container: self.container,
            tensors,
            metadata: self.metadata.clone(),
            left_out: Vec::new(),
            path: self.path.clone(),
            checksums: Vec::new(),
        }
    }

    /// Reads a JSON sidecar: a file in the same folder as the weights. `content` describes the
    /// expected content for error messages.
    ///
    /// # Errors
    /// If the file is missing or not JSON, or the checkpoint was not opened from a path.
    pub fn sidecar(&self, name: &str, content: &str) -> Result<Value, CheckpointError> {
        let missing = || CheckpointError::Sidecar {
            source_name: self.source_name.clone(),
            reason: format!("{name} is missing beside it: {content}"),
        };
        let path = self.path.as_ref().ok_or_else(missing)?.with_file_name(name);
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => CheckpointError::Read {
                path: path.clone(),
                source,
            },
        })?;
        serde_json::from_slice(&bytes).map_err(|error| CheckpointError::Sidecar {
            source_name: path.display().to_string(),
            reason: format!("not JSON: {error}"),
        })
    }

    /// Checks the stored tensors against the checksums in the container, which reads the whole
    /// file. Only zip archives have checksums.
    ///
    /// # Errors
    /// If a part of the file does not match its checksum; the error names the first.
    pub fn verify(&self) -> Result<(), CheckpointError> {
        self.checksums.iter().try_for_each(|checksum| {
            checksum
                .verify()
                .map_err(|source| CheckpointError::Malformed {
                    source_name: self.source_name.clone(),
                    source,
                })
        })
    }
}

/// Detects the container from the first bytes and reads it.
fn read(source: &FileSlice) -> Result<(Container, Contents, Vec<Checksum>), Fault> {
    let bytes = &source.bytes;
    if safetensors::is_safetensors(bytes) {
        return Ok((
            Container::Safetensors,
            safetensors::read(source)?,
            Vec::new(),
        ));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        let members = Members::read(source)?;
        let (container, contents) = read_zip(&members)?;
        return Ok((container, contents, members.checksums));
    }
    let (container, contents) = match bytes.as_ref() {
        [0x93, b'N', ..] => (Container::Npy, one_array("array", source)?),
        bytes if torch::is_legacy(bytes) => (Container::TorchLegacy, torch::read_legacy(source)?),
        [0x80, 0..=5, ..] => (Container::Pickle, read_pickle(source)?),
        bytes if pickle::begins_without_protocol(bytes) => {
            (Container::Pickle, read_pickle(source)?)
        }
        bytes if onnx::is_onnx(bytes) => (Container::Onnx, onnx::read(source)?),
        [] => return Err(source.fault("the file is empty")),
        _ => {
            let reason =
                "unknown container: not safetensors, torch, TorchScript, pickle, numpy or ONNX";
            return Err(source.fault(reason));
        }
    };
    Ok((container, contents, Vec::new()))
}

/// Reads a zip as a torch archive or an npz.
fn read_zip(members: &Members) -> Result<(Container, Contents), Fault> {
    if members.names().any(|name| name.ends_with("data.pkl")) {
        let (archive, contents) = torch::read_archive(members)?;
        let container = match archive {
            Archive::Saved => Container::TorchZip,
            Archive::TorchScript => Container::TorchScript,
        };
        return Ok((container, contents));
    }
    let mut contents = Contents::default();
    for name in members.names() {
        match (name.strip_suffix(".npy"), members.get(name)) {
            (Some(array), Some(source)) => {
                contents
                    .tensors
                    .insert(array.to_owned(), numpy::read_npy(&source)?);
            }
            _ => {
                let reason = format!("not a torch or numpy zip archive: it holds `{name}`");
                return Err(members.fault(reason));
            }
        }
    }
    Ok((Container::Npz, contents))
}

fn read_pickle(source: &FileSlice) -> Result<Contents, Fault> {
    let (graph, root) = pickle::load(&mut source.reader())?;
    let storages = torch::Storages::new(source, Default::default());
    torch::contents(&graph, root, &storages)
}

fn one_array(name: &str, source: &FileSlice) -> Result<Contents, Fault> {
    Ok(Contents {
        tensors: BTreeMap::from([(name.to_owned(), numpy::read_npy(source)?)]),
        ..Contents::default()
    })
}
