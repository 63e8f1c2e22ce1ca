//! Where this program keeps what is its user's.

use std::env;
use std::path::PathBuf;

/// `anyface` below the user's data folder, which `XDG_DATA_HOME` names (`LOCALAPPDATA` on Windows),
/// `~/.local/share` by default; none without a home.
pub fn data_folder() -> Option<PathBuf> {
    let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    let data = variable("XDG_DATA_HOME")
        .or_else(|| variable("LOCALAPPDATA").filter(|_| cfg!(windows)))
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".local/share")))?;
    Some(data.join("anyface"))
}
