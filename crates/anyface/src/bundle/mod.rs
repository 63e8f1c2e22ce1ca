//! Bundles: all networks of one domain and the config with their sizes.

mod config;
mod defaults;
mod mapper_kind;
mod merge;
mod optimization;
mod stored_noise;
mod widths;
mod z_distribution;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use burn::module::Module;
use include_dir::{Dir, include_dir};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Error;
use crate::clip::{CompactTokenizer, Family, SimpleTokenizer, Tokenizer};
use crate::weights::{StoredDtype, load_module, load_module_bytes, save_module, write_atomically};

pub use config::{BundleConfig, Domain, Truncation};
pub use mapper_kind::MapperKind;
pub use merge::NewNetwork;
pub use optimization::OptimizationConfig;
pub use stored_noise::StoredNoise;
pub use z_distribution::ZDistribution;

static PORTRAITS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../models/portraits");

/// The only version of the bundle layout.
pub const FORMAT: u32 = 1;

const CONFIG: &str = "config.json";

/// Renamed fields of `config.json`: (old name, new name).
const RENAMED: [(&str, &str); 1] = [("prior", "z_distribution")];

/// Location of a bundle's files.
///
/// ```
/// use anyface::stylegan2::GeneratorConfig;
/// use anyface::{Bundle, Device};
///
/// let folder = tempfile::tempdir().unwrap();
/// let device = Device::flex();
/// let config = GeneratorConfig::new(8, 8, vec![4; 4]);
/// Bundle::put(folder.path(), "generator", &config, &config.init(&device))?;
///
/// let bundle = Bundle::folder(folder.path());
/// let config: GeneratorConfig = bundle.section("generator")?;
/// let generator = bundle.network("generator", config.init(&device))?;
/// assert_eq!(generator.synthesis.num_ws(), 8);
/// # Ok::<(), anyface::Error>(())
/// ```
#[derive(Debug, Clone)]
pub enum Bundle {
    /// In a folder.
    Folder(PathBuf),
    /// Inside the library.
    Builtin,
}

impl Bundle {
    /// The bundle in a folder.
    pub fn folder(path: &Path) -> Self {
        Self::Folder(path.to_owned())
    }

    /// The bundle inside the library.
    pub const fn builtin() -> Self {
        Self::Builtin
    }

    /// Reads and checks `config.json`.
    ///
    /// # Errors
    /// If `config.json` is missing, not JSON, has an unknown or missing field or another format
    /// version; if a network that text-to-face needs is missing; if the distribution of `z` does
    /// not fit the generator, the tokenizer the text tower, or two networks each other.
    pub fn config(&self) -> Result<BundleConfig, Error> {
        self.check(self.filled_in()?)
    }

    /// Converts fields with defaults to a config and checks it.
    fn check(&self, fields: Map<String, Value>) -> Result<BundleConfig, Error> {
        let format = fields.get("format").and_then(Value::as_u64);
        if let Some(format) = format.filter(|&format| format != u64::from(FORMAT)) {
            let reason =
                format!("format {format} is not supported; this version reads format {FORMAT}");
            return Err(self.fault(CONFIG, reason));
        }
        let missing = defaults::missing_networks(&fields);
        if !missing.is_empty() {
            let names = missing.join("`, `");
            let reason = format!(
                "no `{names}`, which every command that makes or edits faces needs: `anyface \
                 convert FILE BUNDLE` adds networks"
            );
            return Err(self.fault(CONFIG, reason));
        }
        let config: BundleConfig = serde_json::from_value(fields.into())
            .map_err(|error| self.fault(CONFIG, error.to_string()))?;
        config
            .validate()
            .map_err(|reason| self.fault(CONFIG, reason))?;
        Ok(config)
    }

    /// The networks that this bundle needs for text-to-face but lacks.
    ///
    /// # Errors
    /// If `config.json` is missing or not a JSON object.
    pub fn missing_networks(&self) -> Result<Vec<&'static str>, Error> {
        Ok(defaults::missing_networks(&self.filled_in()?))
    }

    fn filled_in(&self) -> Result<Map<String, Value>, Error> {
        let mut fields = self.fields()?;
        defaults::fill_in(&mut fields).map_err(|e| self.fault(CONFIG, e.to_string()))?;
        Ok(fields)
    }

    /// Reads one field of `config.json`. Also works for incomplete bundles, as in training.
    ///
    /// # Errors
    /// If the field is missing or invalid.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let fields = self.fields()?;
        let value = fields.get(name).cloned().unwrap_or_default();
        serde_json::from_value(value).map_err(|e| self.fault(CONFIG, format!("{name}: {e}")))
    }

    /// All fields under their current names.
    fn fields(&self) -> Result<Map<String, Value>, Error> {
        let mut fields: Map<String, Value> = self.parse_config()?;
        for (old, new) in RENAMED {
            if let Some(value) = fields.remove(old) {
                fields.entry(new).or_insert(value);
            }
        }
        Ok(fields)
    }

    fn parse_config<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.read(CONFIG)?).map_err(|e| self.fault(CONFIG, e.to_string()))
    }

    /// The tokenizer of the text tower: `tokenizer.json`, or OpenAI's for towers with OpenAI's
    /// conventions.
    ///
    /// # Errors
    /// If `tokenizer.json` is missing or broken.
    pub fn tokenizer(&self) -> Result<Tokenizer, Error> {
        let fields: Map<String, Value> = self.parse_config()?;
        if fields.contains_key("clip") && self.section::<Family>("clip")? == Family::Openai {
            return Ok(Tokenizer::Simple(SimpleTokenizer::new()));
        }
        let name = "tokenizer.json";
        let tokenizer = CompactTokenizer::from_bytes(&self.read(name)?);
        tokenizer
            .map(Tokenizer::Compact)
            .map_err(|e| self.fault(name, e.to_string()))
    }

    /// Loads a network from `NAME.safetensors`.
    ///
    /// # Errors
    /// If a tensor is missing, superfluous or misshapen.
    pub fn network<M: Module>(&self, name: &str, network: M) -> Result<M, Error> {
        let file = format!("{name}.safetensors");
        let path = self.path(&file);
        Ok(match self {
            Self::Folder(_) => load_module(network, &path)?,
            Self::Builtin => {
                let name = path.display().to_string();
                load_module_bytes(network, &self.read(&file)?, &name)?
            }
        })
    }

    /// Puts a trained network into the bundle at `folder`: `NAME.safetensors` in half precision,
    /// and the field `NAME` of `config.json`. Other fields do not change.
    ///
    /// # Errors
    /// If the folder cannot be written, or its `config.json` is not a JSON object.
    pub fn put<M: Module>(
        folder: &Path,
        name: &str,
        config: &impl Serialize,
        network: &M,
    ) -> Result<(), Error> {
        let file = folder.join(format!("{name}.safetensors"));
        save_module(network, &file, StoredDtype::F16)?;
        Self::put_section(folder, name, config)
    }

    /// Writes any other file of the bundle at `folder`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = folder.join(name);
        write_atomically(&path, bytes).map_err(|source| Error::io(&path, source))
    }

    /// Sets one field of `config.json` of the bundle at `folder`.
    ///
    /// # Errors
    /// See [`Bundle::put`].
    pub fn put_section(folder: &Path, name: &str, value: &impl Serialize) -> Result<(), Error> {
        let bundle = Self::folder(folder);
        let path = folder.join(CONFIG);
        let mut fields = match path.exists() {
            true => bundle.fields()?,
            false => Map::from_iter([("format".to_owned(), FORMAT.into())]),
        };
        let fault = |e: serde_json::Error| bundle.fault(CONFIG, e.to_string());
        fields.insert(name.to_owned(), serde_json::to_value(value).map_err(fault)?);
        let text = serde_json::to_string_pretty(&fields).map_err(fault)? + "\n";
        Self::put_file(folder, CONFIG, text.as_bytes())
    }

    fn read(&self, name: &str) -> Result<Cow<'static, [u8]>, Error> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                let bytes = std::fs::read(&path).map_err(|source| Error::io(&path, source))?;
                Ok(Cow::Owned(bytes))
            }
            Self::Builtin => match PORTRAITS.get_file(name) {
                Some(file) => Ok(Cow::Borrowed(file.contents())),
                None => Err(self.fault(name, "this build has no built-in bundle".to_owned())),
            },
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            Self::Builtin => Path::new("models/portraits").join(name),
        }
    }

    fn fault(&self, name: &str, reason: String) -> Error {
        Error::Bundle {
            file: self.path(name).display().to_string(),
            reason,
        }
    }
}
