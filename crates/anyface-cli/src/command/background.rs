//! What stands behind a face that a command draws.

use anyface::segmentation::{Background, PersonMask};
use anyhow::Result;
use image::{DynamicImage, RgbaImage};

use super::network::NetworkArgs;
use super::output::Output;

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
    /// The background, for pictures that go to `output`.
    ///
    /// # Errors
    /// When it is to be transparent and `output` cannot be.
    pub(crate) fn backdrop(&self, network: &NetworkArgs, output: &Output) -> Result<Backdrop> {
        if self.background == Background::Transparent {
            output.check_alpha()?;
        }
        Ok(Backdrop {
            background: self.background,
            mask: PersonMask::builtin(&network.device()),
        })
    }
}

impl Backdrop {
    /// The picture on the background; one that is kept stays as transparent as it is.
    pub(crate) fn put_behind(&self, picture: DynamicImage) -> RgbaImage {
        match self.background {
            Background::Keep => picture.into_rgba8(),
            background => background.put_behind(&picture.into_rgb8(), &self.mask),
        }
    }
}
