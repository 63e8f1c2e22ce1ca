//! Bundles: every network of one domain, with the config that gives their shapes.

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

/// The only layout of bundles there is yet.
pub const FORMAT: u32 = 1;

const CONFIG: &str = "config.json";

/// Fields of `config.json` that had another name in earlier versions: old, new.
const RENAMED: [(&str, &str); 1] = [("prior", "z_distribution")];

/// Where the files of a bundle are.
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

    /// Reads and checks the whole of `config.json`.
    ///
    /// # Errors
    /// When it is missing, no JSON, has an unknown or missing field, or another format version;
    /// when a network is missing without which no face can be made of words; when the distribution
    /// of `z` does not fit the generator, the tokenizer the text tower, or one network another.
    pub fn config(&self) -> Result<BundleConfig, Error> {
        self.check(self.filled_in()?)
    }

    /// The config that filled in fields are.
    fn check(&self, fields: Map<String, Value>) -> Result<BundleConfig, Error> {
        let format = fields.get("format").and_then(Value::as_u64);
        if let Some(format) = format.filter(|&format| format != u64::from(FORMAT)) {
            let reason = format!("format {format} is not {FORMAT}, the one this version reads");
            return Err(self.fault(CONFIG, reason));
        }
        let missing = defaults::missing_networks(&fields);
        if !missing.is_empty() {
            let names = missing.join("`, `");
            let reason = format!(
                "no `{names}`, which every command that makes or changes faces needs: `anyface \
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

    /// The networks that this bundle has not, and needs to make faces of words.
    ///
    /// # Errors
    /// When `config.json` is missing or no JSON object.
    pub fn missing_networks(&self) -> Result<Vec<&'static str>, Error> {
        Ok(defaults::missing_networks(&self.filled_in()?))
    }

    fn filled_in(&self) -> Result<Map<String, Value>, Error> {
        let mut fields = self.fields()?;
        defaults::fill_in(&mut fields).map_err(|e| self.fault(CONFIG, e.to_string()))?;
        Ok(fields)
    }

    /// Reads one field of `config.json`, as training does while a bundle is not yet complete.
    ///
    /// # Errors
    /// When the field is missing or does not fit.
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let fields = self.fields()?;
        let value = fields.get(name).cloned().unwrap_or_default();
        serde_json::from_value(value).map_err(|e| self.fault(CONFIG, format!("{name}: {e}")))
    }

    /// All fields under the names that they have now.
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

    /// The tokenizer of the text tower: `tokenizer.json`, or OpenAI's where the towers are of its family.
    ///
    /// # Errors
    /// When `tokenizer.json` is missing or broken.
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

    /// Fills a network from `NAME.safetensors`.
    ///
    /// # Errors
    /// When a tensor is missing, superfluous or of another shape.
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

    /// Puts a trained network into the bundle at `folder`: `NAME.safetensors` in half precision, and the
    /// field `NAME` of `config.json`. The other fields stay.
    ///
    /// # Errors
    /// When the folder cannot be written, or its `config.json` is no JSON object.
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

    /// Puts any other file into the bundle at `folder`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = folder.join(name);
        write_atomically(&path, bytes).map_err(|source| Error::io(&path, source))
    }

    /// Sets one field of `config.json` of the bundle at `folder`.
    ///
    /// # Errors
    /// As [`Bundle::put`].
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
                None => Err(self.fault(name, "this build carries no bundle".to_owned())),
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
