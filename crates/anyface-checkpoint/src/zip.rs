//! Members of a zip archive. Uncompressed members are views of the file.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use ::zip::{CompressionMethod, ZipArchive};
use bytes::Bytes;

use crate::file_slice::{Fault, FileSlice};

/// The most unpacked bytes of all compressed members of an archive.
const MAX_UNPACKED: u64 = 512 << 20;

/// The bytes of a member and their expected CRC-32.
#[derive(Debug, Clone)]
pub(crate) struct Checksum {
    pub(crate) name: String,
    pub(crate) source: FileSlice,
    pub(crate) crc32: u32,
}

impl Checksum {
    /// Reads all bytes of the member and checks them.
    pub(crate) fn verify(&self) -> Result<(), Fault> {
        match crc32fast::hash(&self.source.bytes) == self.crc32 {
            true => Ok(()),
            false => Err(self
                .source
                .fault(format!("`{}` does not match its checksum", self.name))),
        }
    }
}

/// The members of an archive, by name.
#[derive(Debug)]
pub(crate) struct Members {
    start: usize,
    by_name: BTreeMap<String, FileSlice>,
    /// Checksums of the members that are views.
    pub(crate) checksums: Vec<Checksum>,
}

impl Members {
    /// Reads the directory and unpacks compressed members.
    pub(crate) fn read(source: &FileSlice) -> Result<Self, Fault> {
        let fault = |error: ::zip::result::ZipError| {
            Fault::new(source.start + source.bytes.len(), error.to_string())
        };
        let mut archive = ZipArchive::new(Cursor::new(&source.bytes)).map_err(fault)?;
        let mut members = Self {
            start: source.start,
            by_name: BTreeMap::new(),
            checksums: Vec::new(),
        };
        let mut budget = MAX_UNPACKED;
        for index in 0..archive.len() {
            let member = archive.by_index_raw(index).map_err(fault)?;
            if member.is_dir() {
                continue;
            }
            let name = member.name().map_err(fault)?.into_owned();
            let (start, method) = (member.data_start(), member.compression());
            let (stored, unpacked) = (member.compressed_size(), member.size());
            let (crc32, encrypted) = (member.crc32(), member.encrypted());
            drop(member);
            let range = start
                .and_then(|start| {
                    Some(start.try_into().ok()?..start.checked_add(stored)?.try_into().ok()?)
                })
                .and_then(|range| source.part(range));
            let Some(packed) = range else {
                return Err(source.fault(format!("`{name}` leaves the archive")));
            };
            if encrypted {
                return Err(packed.fault(format!("`{name}` is encrypted")));
            }
            let bytes = match method {
                CompressionMethod::Stored => {
                    members.checksums.push(Checksum {
                        name: name.clone(),
                        source: packed.clone(),
                        crc32,
                    });
                    packed.bytes.clone()
                }
                _ if unpacked > budget => {
                    let reason = format!("`{name}` unpacks to {unpacked} bytes, over the limit");
                    return Err(packed.fault(reason));
                }
                _ => {
                    budget -= unpacked;
                    let member = archive.by_index(index).map_err(fault)?;
                    unpack(member, unpacked)
                        .map_err(|error| packed.fault(format!("`{name}`: {error}")))?
                }
            };
            let start = packed.start;
            members.by_name.insert(name, FileSlice { bytes, start });
        }
        Ok(members)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, name: &str) -> Option<FileSlice> {
        self.by_name.get(name).cloned()
    }

    pub(crate) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.start, reason)
    }
}

/// Reads at most `size` bytes and checks them.
fn unpack(member: impl Read, size: u64) -> std::io::Result<Bytes> {
    let mut bytes = Vec::new();
    member.take(size).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}
