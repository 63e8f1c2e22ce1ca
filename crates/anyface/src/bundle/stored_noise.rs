//! The per-pixel noise of a bundle's pictures.

use serde::{Deserialize, Serialize};

use crate::stylegan2::Noise;

/// Which noise the generator draws with: one that is the same for every picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredNoise {
    /// None.
    None,
    /// The maps that are stored in the layers.
    Const,
}

impl StoredNoise {
    /// As the synthesis network reads it.
    pub const fn noise(self) -> Noise<'static> {
        match self {
            Self::None => Noise::None,
            Self::Const => Noise::Const,
        }
    }
}
