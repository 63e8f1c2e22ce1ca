//! The kinds of mappers from text to latents.

use serde::{Deserialize, Serialize};

use super::{StoredNoise, Truncation};

/// How text becomes a latent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MapperKind {
    /// The text stream changes a random latent.
    Streams,
    /// A prior p(w | text) generates a latent by flow matching.
    FlowPrior,
    /// A flow prior of the standard normals that make `z`; edits use the text stream.
    FlowPriorZ,
    /// clip2latent's diffusion prior generates a latent from a CLIP feature.
    Clip2latent,
    /// The memory and the mapper of the released AnyFace++.
    AnyfacePlus,
    /// The latent of a seed is optimised to match the text in CLIP space (StyleCLIP).
    Optimization,
}

impl MapperKind {
    /// All kinds. The default of a bundle is the first kind for which it has a network; the last
    /// needs none.
    const ALL: [Self; 6] = [
        Self::Streams,
        Self::FlowPrior,
        Self::FlowPriorZ,
        Self::Clip2latent,
        Self::AnyfacePlus,
        Self::Optimization,
    ];

    /// The name in `config.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::FlowPrior => "flow_prior",
            Self::FlowPriorZ => "flow_prior_z",
            Self::Clip2latent => "clip2latent",
            Self::AnyfacePlus => "anyface_plus",
            Self::Optimization => "optimization",
        }
    }

    /// The networks it needs besides both towers and the generator.
    pub const fn networks(self) -> &'static [&'static str] {
        match self {
            Self::Streams => &["text_stream"],
            Self::FlowPrior => &["flow_prior"],
            Self::FlowPriorZ => &["flow_prior", "text_stream"],
            Self::Clip2latent => &["clip2latent"],
            Self::AnyfacePlus => &["memory", "image_map"],
            Self::Optimization => &[],
        }
    }

    /// The kind for a bundle with these networks.
    pub(super) fn of_networks(has: impl Fn(&str) -> bool) -> Self {
        let ways = Self::ALL.into_iter();
        let mut ways = ways.filter(|way| way.networks().iter().any(|network| has(network)));
        ways.next().unwrap_or(Self::Optimization)
    }

    /// Truncation in the kind's reference implementation, for `num_ws` latent layers.
    pub(super) const fn truncation(self, num_ws: usize) -> Truncation {
        let (psi, cutoff) = match self {
            // StyleGAN2's usual ψ.
            Self::Streams | Self::FlowPrior | Self::FlowPriorZ | Self::Optimization => {
                (0.7, num_ws)
            }
            Self::Clip2latent => (1.0, num_ws),
            // `synthesis.py` of cripac-sjx/Anyface.
            Self::AnyfacePlus => (0.5, 8),
        };
        Truncation { psi, cutoff }
    }

    /// Number of layers that the kind's reference implementation takes from noise.
    pub(super) const fn injection_layer(self) -> usize {
        match self {
            // `synthesis.py` of cripac-sjx/Anyface.
            Self::AnyfacePlus => 2,
            Self::Streams
            | Self::FlowPrior
            | Self::FlowPriorZ
            | Self::Clip2latent
            | Self::Optimization => 0,
        }
    }

    /// Public generators are trained with noise, those trained by this project without.
    pub(super) const fn noise(self) -> StoredNoise {
        match self {
            Self::Streams | Self::FlowPrior | Self::FlowPriorZ => StoredNoise::None,
            Self::Clip2latent | Self::AnyfacePlus | Self::Optimization => StoredNoise::Const,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_select_the_mapper() {
        let kind = |networks: &[&str]| MapperKind::of_networks(|name| networks.contains(&name));
        assert_eq!(kind(&["generator"]), MapperKind::Optimization);
        assert_eq!(kind(&["clip2latent"]), MapperKind::Clip2latent);
        assert_eq!(kind(&["image_map"]), MapperKind::AnyfacePlus);
        assert_eq!(kind(&["clip2latent", "text_stream"]), MapperKind::Streams);
    }
}
