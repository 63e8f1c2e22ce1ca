//! What can be fetched, and under which licence.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::HubError;

static MODELS: LazyLock<BTreeMap<String, Model>> = LazyLock::new(|| {
    let mut models: BTreeMap<String, Model> =
        toml::from_str(include_str!("registry.toml")).expect("tested");
    for (name, model) in &mut models {
        model.name.clone_from(name);
    }
    models
});

/// A model of the registry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// How it is called.
    #[serde(skip)]
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    /// Licence of the weights.
    pub license: License,
    /// What the licence's text does not say.
    #[serde(default)]
    pub notice: String,
    /// Whether commercial use is ruled out, by the licence or by what the weights were made from.
    #[serde(default)]
    pub non_commercial: bool,
    /// Where its files are.
    pub source: ModelSource,
    /// Its files.
    pub files: Vec<HubFile>,
}

/// Where files are.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// Each at this address, followed by its path.
    Url(String),
    /// In a repository of Hugging Face.
    HuggingFace {
        /// `owner/name`.
        repo: String,
        /// The first of these that has all files.
        revisions: Vec<String>,
    },
}

/// A file of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubFile {
    /// Its place below the source.
    pub path: String,
    /// Its SHA-256 in hexadecimal, or the beginning of it.
    pub sha256: Option<String>,
    /// Its address, where that is not the source's and its path.
    pub url: Option<String>,
}

/// The licences of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum License {
    /// MIT.
    #[serde(rename = "MIT")]
    Mit,
    /// Apache 2.0.
    #[serde(rename = "Apache-2.0")]
    Apache2,
    /// BSD with two clauses.
    #[serde(rename = "BSD-2-Clause")]
    Bsd2,
    /// BSD with three clauses.
    #[serde(rename = "BSD-3-Clause")]
    Bsd3,
    /// NVIDIA's Source Code License for StyleGAN2-ADA.
    #[serde(rename = "NVIDIA-NC")]
    NvidiaNc,
    /// The authors give none.
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

    /// Its text.
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
    /// Every model by name.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        MODELS.values()
    }

    /// A model by name.
    ///
    /// # Errors
    /// [`HubError::Unknown`].
    pub fn named(name: &str) -> Result<&'static Self, HubError> {
        let model = MODELS.get(name);
        model.ok_or_else(|| HubError::Unknown(name.to_owned()))
    }
}
