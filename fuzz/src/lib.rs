//! What the fuzz targets share: files of a container whose inside is arbitrary.

use std::io::{Cursor, Write};
use std::path::Path;

use anyface::convert::convert;
use anyface_checkpoint::Checkpoint;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Reads a file as `anyface convert` does.
pub fn read(file: Vec<u8>) {
    if let Ok(checkpoint) = Checkpoint::from_bytes(file.into(), "file") {
        convert(&checkpoint).ok();
    }
}

/// [`read`] for a file among others.
pub fn read_path(path: &Path) {
    if let Ok(checkpoint) = Checkpoint::open(path) {
        convert(&checkpoint).ok();
    }
}

/// [`read`] for `data` behind the bytes by which its container is told.
pub fn read_behind(magic: &[u8], data: &[u8]) {
    read([magic, data].concat());
}

/// A zip archive of stored members.
pub fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, options).expect("short names");
        writer.write_all(bytes).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// Two parts of the fuzzer's bytes: the first is as long as their first two bytes say.
pub fn split(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<2>()?;
    rest.split_at_checked(u16::from_le_bytes(*length).into())
}
