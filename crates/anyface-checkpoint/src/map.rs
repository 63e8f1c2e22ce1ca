//! Files as memory maps.

use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use memmap2::Mmap;

use crate::error::CheckpointError;

/// Maps a file into memory. The file must not be changed as long as the bytes are in use.
///
/// # Errors
/// When the file cannot be read.
pub fn map_file(path: &Path) -> Result<Bytes, CheckpointError> {
    let read = |source| CheckpointError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(read)?;
    if file.metadata().map_err(read)?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: sound as long as nobody changes the file while it is mapped, which the caller
    // promises; there is no way to check it. Checkpoints are written once, and replaced by renaming.
    let map = unsafe { Mmap::map(&file) }.map_err(read)?;
    Ok(Bytes::from_owner(map))
}
