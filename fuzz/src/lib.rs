//! Shared code of the fuzz targets: containers with arbitrary content.

use std::io::{Cursor, Write};
use std::path::Path;

use anyface::convert::convert;
use anyface_checkpoint::Checkpoint;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Reads a file like `anyface convert`.
pub fn read(file: Vec<u8>) {
    if let Ok(checkpoint) = Checkpoint::from_bytes(file.into(), "file") {
        convert(&checkpoint).ok();
    }
}

/// [`read`] for a file with other files in its folder.
pub fn read_path(path: &Path) {
    if let Ok(checkpoint) = Checkpoint::open(path) {
        convert(&checkpoint).ok();
    }
}

/// [`read`] for `data` after the magic bytes of a container.
pub fn read_after(magic: &[u8], data: &[u8]) {
    read([magic, data].concat());
}

/// A zip archive with uncompressed members.
pub fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, options).expect("a short name");
        writer.write_all(bytes).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// Splits the fuzzer's input in two. The first two bytes are the length of the first part.
pub fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_le_bytes(*length).into())
}
