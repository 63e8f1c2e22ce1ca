//! The user's data folder.

use std::env;
use std::path::PathBuf;

/// The folder `anyface` in `XDG_DATA_HOME` (or `LOCALAPPDATA` on Windows), by default in
/// `~/.local/share`; `None` without a home folder.
pub fn data_folder() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let data = variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA").filter(|_| cfg!(windows)))
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".local/share")))?;
    Some(data.join("anyface"))
}
