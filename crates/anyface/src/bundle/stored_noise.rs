//! The per-pixel noise of a bundle's images.

use serde::{Deserialize, Serialize};

use crate::stylegan2::Noise;

/// The noise of the generator; it is the same for every image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredNoise {
    /// No noise.
    None,
    /// The constant maps stored in the layers.
    Const,
}

impl StoredNoise {
    /// The noise argument of the synthesis network.
    pub const fn noise(self) -> Noise<'static> {
        match self {
            Self::None => Noise::None,
            Self::Const => Noise::Const,
        }
    }
}
