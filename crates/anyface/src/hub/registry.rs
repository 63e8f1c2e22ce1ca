//! The models that can be downloaded, and their licences.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::HubError;

static MODELS: LazyLock<BTreeMap<String, Model>> = LazyLock::new(|| {
    let mut models: BTreeMap<String, Model> =
        toml::from_str(include_str!("registry.toml")).expect("the built-in registry is valid");
    for (name, model) in &mut models {
        model.name.clone_from(name);
    }
    models
});

/// A model of the registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Model {
    /// Name of the model.
    #[serde(skip)]
    pub name: String,
    /// Short description.
    pub about: String,
    /// Licence of the weights.
    pub license: License,
    /// Notices that the licence text does not contain.
    #[serde(default)]
    pub notice: String,
    /// Whether commercial use is excluded by the licence or by the training data.
    #[serde(default)]
    pub non_commercial: bool,
    /// Source of its files.
    pub source: ModelSource,
    /// Its files.
    pub files: Vec<HubFile>,
}

/// Source of a model's files.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModelSource {
    /// This address followed by the path of each file.
    Url(String),
    /// A repository on Hugging Face.
    HuggingFace {
        /// `owner/name`.
        repo: String,
        /// Revisions to try; the first with all files is used.
        revisions: Vec<String>,
    },
}

/// A file of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct HubFile {
    /// Path relative to the source.
    pub path: String,
    /// SHA-256 in hexadecimal, or its first digits.
    pub sha256: Option<String>,
    /// Address, if it is not the source's followed by the path.
    pub url: Option<String>,
}

/// The licences of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub enum License {
    /// MIT.
    #[serde(rename = "MIT")]
    Mit,
    /// Apache 2.0.
    #[serde(rename = "Apache-2.0")]
    Apache2,
    /// BSD 2-Clause.
    #[serde(rename = "BSD-2-Clause")]
    Bsd2,
    /// BSD 3-Clause.
    #[serde(rename = "BSD-3-Clause")]
    Bsd3,
    /// NVIDIA's Source Code License for StyleGAN2-ADA.
    #[serde(rename = "NVIDIA-NC")]
    NvidiaNc,
    /// The authors give no licence.
    #[serde(rename = "none")]
    NotGiven,
}

impl License {
    /// Its short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mit => "MIT",
            Self::Apache2 => "Apache-2.0",
            Self::Bsd2 => "BSD-2-Clause",
            Self::Bsd3 => "BSD-3-Clause",
            Self::NvidiaNc => "NVIDIA Source Code License-NC",
            Self::NotGiven => "no licence given",
        }
    }

    /// The licence text.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Mit => include_str!("../../assets/licenses/mit.txt"),
            Self::Apache2 => include_str!("../../assets/licenses/apache-2.0.txt"),
            Self::Bsd2 => include_str!("../../assets/licenses/bsd-2-clause.txt"),
            Self::Bsd3 => include_str!("../../assets/licenses/bsd-3-clause.txt"),
            Self::NvidiaNc => include_str!("../../assets/licenses/nvidia-nc.txt"),
            Self::NotGiven => include_str!("../../assets/licenses/none.txt"),
        }
    }
}

impl Model {
    /// All models, by name.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        MODELS.values()
    }

    /// The model of this name.
    ///
    /// # Errors
    /// [`HubError::Unknown`] if there is none.
    pub fn named(name: &str) -> Result<&'static Self, HubError> {
        let model = MODELS.get(name);
        model.ok_or_else(|| HubError::Unknown(name.to_owned()))
    }
}
