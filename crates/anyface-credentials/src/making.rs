//! What is known of how a picture was made.

use serde::{Deserialize, Serialize};

/// What is known of how a picture was made, as it will be signed. What is `None` is not told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Making<'a> {
    /// The program and its version, "anyface 0.1.0".
    pub software: &'a str,
    /// The model.
    pub model: &'a str,
    /// The words it was made from.
    pub prompt: Option<&'a str>,
    /// The seed of its noise.
    pub seed: Option<u64>,
    /// The file that was edited, of any kind. Its own credentials, if it has some, are kept.
    pub parent: Option<&'a [u8]>,
}

/// The label of the assertion that holds [`Told`].
pub(crate) const TOLD: &str = "io.github.anyface.making";

/// What C2PA has no field for.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
}

impl Making<'_> {
    /// What C2PA has no field for, where there is something to tell.
    pub(crate) fn told(&self) -> Option<Told> {
        let has_some = self.prompt.is_some() || self.seed.is_some();
        has_some.then(|| Told {
            prompt: self.prompt.map(str::to_owned),
            seed: self.seed,
        })
    }
}
