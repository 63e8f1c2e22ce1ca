//! What stands behind a face that a command draws.

use anyface::segmentation::{Background, PersonMask};
use image::{RgbImage, RgbaImage};

use super::network::NetworkArgs;

#[derive(Debug, clap::Args)]
pub(crate) struct BackgroundArgs {
    /// What stands behind the face: keep, transparent, blur, or a colour as #808080
    #[arg(long, value_name = "BACKGROUND", default_value = "keep")]
    background: Background,
}

/// A background, and what tells it from a person.
pub(crate) struct Backdrop {
    background: Background,
    mask: PersonMask,
}

impl BackgroundArgs {
    pub(crate) fn backdrop(&self, network: &NetworkArgs) -> Backdrop {
        Backdrop {
            background: self.background,
            mask: PersonMask::builtin(&network.device()),
        }
    }
}

impl Backdrop {
    pub(crate) fn put_behind(&self, picture: &RgbImage) -> RgbaImage {
        self.background.put_behind(picture, &self.mask)
    }
}
