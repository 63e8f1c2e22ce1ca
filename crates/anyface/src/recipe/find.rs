//! Bundles by their names.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Recipe, bundles_folder};
use crate::Error;
use crate::bundle::Bundle;

/// Where bundles are found by their names.
const MODELS: &str = "models";

/// Name of the bundle inside the library.
pub const BUILTIN: &str = "portraits";

/// The folder of a bundle: the one of that path, else the one of that name under `models/`, else the
/// one that a recipe of that name made.
pub fn bundle_folder(name: &Path) -> Option<PathBuf> {
    let folders = [Some(PathBuf::from(MODELS)), bundles_folder()];
    let folders = folders.into_iter().flatten();
    let mut places = folders.map(|folder| folder.join(name));
    match name.exists() {
        true => Some(name.to_owned()),
        false => places.find(|place| place.is_dir()),
    }
}

/// The bundle in the folder of that path or name, else the built-in one by its name.
///
/// # Errors
/// When there is none of that name; the error says how to get it, or lists those that are there.
pub fn find_bundle(name: &Path) -> Result<Bundle, Error> {
    if let Some(folder) = bundle_folder(name) {
        return Ok(Bundle::folder(&folder));
    }
    if name == Path::new(BUILTIN) {
        return Ok(Bundle::builtin());
    }
    let reason = match name.to_str().and_then(Recipe::named) {
        Some(recipe) => format!("not here yet: `anyface pull {}` fetches it", recipe.name),
        None => format!(
            "there is no such bundle; there are {BUILTIN} (built in){}",
            bundles_under_models()
        ),
    };
    Err(Error::Bundle {
        file: name.display().to_string(),
        reason,
    })
}

/// The bundles under `models/`, each with a comma before it.
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
