//! Lookup of bundles by path or name.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Recipe, bundles_folder};
use crate::Error;
use crate::bundle::Bundle;

/// Folder, relative to the current one, that is searched for bundles by name.
const MODELS: &str = "models";

/// Name of the built-in bundle.
pub const BUILTIN: &str = "portraits";

/// The folder of a bundle: the path `name`, else `models/NAME`, else the folder that `anyface pull`
/// creates for the recipe `name`.
pub fn bundle_folder(name: &Path) -> Option<PathBuf> {
    let folders = [Some(PathBuf::from(MODELS)), bundles_folder()];
    let folders = folders.into_iter().flatten();
    let mut places = folders.map(|folder| folder.join(name));
    match name.exists() {
        true => Some(name.to_owned()),
        false => places.find(|place| place.is_dir()),
    }
}

/// The bundle in the folder of [`bundle_folder`], else the built-in bundle if `name` is
/// [`BUILTIN`].
///
/// # Errors
/// If there is no such bundle. The error gives the command that downloads it, or lists the
/// available bundles.
pub fn find_bundle(name: &Path) -> Result<Bundle, Error> {
    if let Some(folder) = bundle_folder(name) {
        return Ok(Bundle::folder(&folder));
    }
    if name == Path::new(BUILTIN) {
        return Ok(Bundle::builtin());
    }
    let reason = match name.to_str().and_then(Recipe::named) {
        Some(recipe) => format!(
            "not downloaded: `anyface pull {}` downloads it",
            recipe.name
        ),
        None => format!(
            "there is no such bundle; available: {BUILTIN} (built-in){}",
            bundles_under_models()
        ),
    };
    Err(Error::Bundle {
        file: name.display().to_string(),
        reason,
    })
}

/// The bundles under [`MODELS`], each after a comma.
fn bundles_under_models() -> String {
    let folders = fs::read_dir(MODELS).into_iter().flatten().flatten();
    let mut found: Vec<_> = folders
        .map(|folder| folder.path())
        .filter(|path| path.join("config.json").exists())
        .map(|path| format!(", {}", path.display()))
        .collect();
    found.sort();
    found.concat()
}
