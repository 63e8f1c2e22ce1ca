//! Memory-mapped files.

use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use memmap2::Mmap;

use crate::error::CheckpointError;

/// Maps a file into memory. Do not modify the file while the bytes are in use.
///
/// # Errors
/// If the file cannot be read.
pub fn map_file(path: &Path) -> Result<Bytes, CheckpointError> {
    let read = |source| CheckpointError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read)?;
    if file.metadata().map_err(read)?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: sound if nobody modifies the file while it is mapped. The caller promises this; it
    // cannot be checked. Checkpoints are written once and replaced by renaming.
    let map = unsafe { Mmap::map(&file) }.map_err(read)?;
    Ok(Bytes::from_owner(map))
}
