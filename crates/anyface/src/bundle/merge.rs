//! Merging of networks into a bundle. The bundle must open before and afterwards.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyface_checkpoint::StoredTensor;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Bundle, BundleConfig, CONFIG, FORMAT, defaults};
use crate::Error;
use crate::clip::{ImageTowerConfig, TextTowerConfig, VisionTransformerConfig};
use crate::stylegan2::GeneratorConfig;
use crate::weights::save_tensors;

/// The networks that a bundle can contain.
const NETWORKS: [&str; 12] = [
    "text_tower",
    "image_tower",
    "generator",
    "text_stream",
    "image_stream",
    "flow_prior",
    "clip2latent",
    "memory",
    "image_map",
    "inversion",
    "residual_encoder",
    "probe",
];

/// Networks on which global directions depend. Replacing one invalidates the directions.
const MEASURED: [&str; 3] = ["text_tower", "image_tower", "generator"];

/// A network to put into a bundle.
#[derive(Debug, Clone, Copy)]
pub struct NewNetwork<'n> {
    /// Its name in bundles.
    pub name: &'static str,
    /// Its sizes, as in `config.json`.
    pub config: &'n Value,
    /// Its tensors by parameter path.
    pub tensors: &'n BTreeMap<String, StoredTensor>,
}

impl Bundle {
    /// Puts networks and other fields into the bundle at `folder`, which may be new or incomplete.
    /// If the result would not open, no file changes. Replacing a network removes the global
    /// directions measured on it.
    ///
    /// # Errors
    /// Names the network or field that does not fit, or the file that cannot be written.
    pub fn merge(
        folder: &Path,
        networks: &[NewNetwork<'_>],
        fields: Map<String, Value>,
    ) -> Result<(), Error> {
        let bundle = Self::folder(folder);
        let mut merged = match folder.join(CONFIG).exists() {
            true => bundle.fields()?,
            false => Map::from_iter([("format".to_owned(), FORMAT.into())]),
        };
        for network in networks {
            if !NETWORKS.contains(&network.name) {
                let reason = format!(
                    "a bundle cannot contain `{}`: convert it to OUT.safetensors instead",
                    network.name
                );
                return Err(bundle.fault(CONFIG, reason));
            }
            merged.insert(network.name.to_owned(), network.config.clone());
            if MEASURED.contains(&network.name) {
                merged.remove("directions");
            }
        }
        merged.extend(fields);
        bundle.check_present(merged.clone())?;

        let staged = stage(folder, networks)?;
        for (new, path) in staged {
            fs::rename(&new, &path).map_err(|source| Error::io(&path, source))?;
        }
        let text = serde_json::to_string_pretty(&merged).expect("plain JSON") + "\n";
        Self::put_file(folder, CONFIG, text.as_bytes())
    }

    /// Checks all fields as reading would. For a bundle that lacks networks, checks only the types
    /// of the fields.
    fn check_present(&self, mut fields: Map<String, Value>) -> Result<(), Error> {
        defaults::fill_in(&mut fields).map_err(|e| self.fault(CONFIG, e.to_string()))?;
        if defaults::missing_networks(&fields).is_empty() {
            return self.check(fields).map(|_| ());
        }
        for (name, network) in stand_ins() {
            fields.entry(name).or_insert(network);
        }
        let config = serde_json::from_value::<BundleConfig>(fields.into());
        config
            .map(|_| ())
            .map_err(|e| self.fault(CONFIG, e.to_string()))
    }
}

/// Writes networks to temporary files in the folder: (temporary file, final file).
fn stage(folder: &Path, networks: &[NewNetwork<'_>]) -> Result<Vec<(PathBuf, PathBuf)>, Error> {
    let mut staged = Vec::new();
    for network in networks {
        let path = folder.join(format!("{}.safetensors", network.name));
        let new = path.with_extension("safetensors.new");
        let tensors = network.tensors.iter();
        let tensors = tensors
            .map(|(name, tensor)| (name.clone(), tensor))
            .collect();
        if let Err(error) = save_tensors(tensors, &new) {
            for (new, _) in staged {
                fs::remove_file(new).ok();
            }
            return Err(error.into());
        }
        staged.push((new, path));
    }
    Ok(staged)
}

/// Smallest sizes of the networks that every bundle needs.
fn stand_ins() -> [(&'static str, Value); 3] {
    fn value(config: &impl Serialize) -> Value {
        serde_json::to_value(config).expect("a config is plain numbers and names")
    }
    let image_tower = VisionTransformerConfig::new(1, 1, 1, 1, 1, 1);
    [
        ("text_tower", value(&TextTowerConfig::new(1, 1, 1, 1, 1, 1))),
        (
            "image_tower",
            value(&ImageTowerConfig::VisionTransformer(image_tower)),
        ),
        ("generator", value(&GeneratorConfig::new(1, 1, vec![1; 4]))),
    ]
}
