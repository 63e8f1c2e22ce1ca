//! The statement to be signed.

use serde::{Deserialize, Serialize};

/// How a picture was made: the statement to be signed. Fields that are `None` are not included.
#[derive(Debug, Clone, Copy, Default)]
pub struct Making<'a> {
    /// Program and version, e.g. "anyface 0.1.0".
    pub software: &'a str,
    /// Name of the model.
    pub model: &'a str,
    /// The prompt.
    pub prompt: Option<&'a str>,
    /// The seed.
    pub seed: Option<u64>,
    /// The original file, of any format, if the picture is an edit. Its own credentials are
    /// included.
    pub parent: Option<&'a [u8]>,
}

/// Label of the assertion with [`PromptAndSeed`].
pub(crate) const PROMPT_AND_SEED: &str = "io.github.anyface.making";

/// The fields that C2PA has no assertion for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct PromptAndSeed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
}

impl Making<'_> {
    /// Prompt and seed; `None` if neither is included.
    pub(crate) fn prompt_and_seed(&self) -> Option<PromptAndSeed> {
        let has_some = self.prompt.is_some() || self.seed.is_some();
        has_some.then(|| PromptAndSeed {
            prompt: self.prompt.map(str::to_owned),
            seed: self.seed,
        })
    }
}
