//! The background of the pictures that a command writes.

use anyface::segmentation::{Background, PersonMask};
use anyhow::Result;
use image::{DynamicImage, RgbaImage};

use super::network::NetworkArgs;
use super::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct BackgroundArgs {
    /// Background of the face: keep, transparent, blur, or a colour such as #808080
    #[arg(long, value_name = "BACKGROUND", default_value = "keep")]
    background: Background,
}

/// A background, and the network that separates it from the person.
pub(crate) struct Backdrop {
    background: Background,
    mask: PersonMask,
}

impl BackgroundArgs {
    /// The background of pictures that are written to `output`.
    ///
    /// # Errors
    /// If the background is transparent and the file format of `output` has no alpha channel.
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
    /// Draws the picture in front of the background. `keep` returns the picture with its own alpha.
    pub(crate) fn put_behind(&self, picture: DynamicImage) -> RgbaImage {
        match self.background {
            Background::Keep => picture.into_rgba8(),
            background => background.put_behind(&picture.into_rgb8(), &self.mask),
        }
    }
}
