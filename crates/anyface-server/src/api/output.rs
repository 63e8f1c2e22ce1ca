//! The fields of a request that determine its image files.

use std::sync::{Arc, LazyLock};

use anyface::Device;
use anyface::image::{JPEG_QUALITY, Mark, PictureFormat};
use anyface::provenance::Seal;
use anyface::segmentation::{Background as Cutout, PersonMask};
use axum::body::Bytes;
use image::{DynamicImage, RgbImage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check;
use super::frame::{fit, on_white};
use super::ignored::Ignored;
use crate::app::App;
use crate::error::ApiError;
use crate::metrics::Stage;
use crate::photo::{Retouch, turn};

/// Shortest side of a requested image in pixels.
const MIN_SIDE: u32 = 16;

/// Network that separates the person from the background, loaded at its first use.
static MASK: LazyLock<PersonMask> = LazyLock::new(|| PersonMask::builtin(&Device::flex()));

/// Format of the image files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileFormat {
    /// Lossless compression.
    #[default]
    Png,
    /// Lossy compression, smaller files.
    Jpeg,
    /// Lossless compression, smaller files than PNG.
    Webp,
}

/// How images are returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResponseFormat {
    /// As base64 in `b64_json`.
    #[default]
    B64Json,
    /// As an address in `url`, which is valid for an hour.
    Url,
}

/// The quality of the image. All values have the same effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Quality {
    /// The quality of the model.
    #[default]
    Auto,
    /// The same as `auto`.
    Standard,
    /// The same as `auto`.
    Hd,
    /// The same as `auto`.
    Low,
    /// The same as `auto`.
    Medium,
    /// The same as `auto`.
    High,
}

/// Content moderation. The server does none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Moderation {
    /// No moderation.
    Auto,
    /// The same as `auto`.
    Low,
}

/// The background of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Background {
    /// The background that the model draws.
    #[default]
    Auto,
    /// The same as `auto`.
    Opaque,
    /// No background: the person is cut out. PNG and WebP only.
    Transparent,
}

/// The output fields of a request, unchecked.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub(crate) size: Option<String>,
    pub(crate) format: Option<FileFormat>,
    pub(crate) compression: Option<u8>,
    pub(crate) response: Option<ResponseFormat>,
    pub(crate) latents: Option<bool>,
    pub(crate) background: Option<Background>,
    pub(crate) quality: Option<Quality>,
    pub(crate) moderation: Option<Moderation>,
}

/// A drawn picture before it is encoded.
pub(crate) struct Drawn {
    pub(crate) image: RgbImage,
    /// The face before the edits, if the picture is composited into a photograph.
    pub(crate) before: Option<RgbImage>,
    /// The photograph.
    pub(crate) retouch: Option<Arc<Retouch>>,
    pub(crate) mark: Mark,
    /// The file that the picture is an edit of.
    pub(crate) parent: Option<Bytes>,
}

/// The checked output fields of a request.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: FileFormat,
    quality: u8,
    /// Width and height; `None` for those of the picture.
    size: Option<(u32, u32)>,
    pub(crate) response: ResponseFormat,
    pub(crate) latents: bool,
    background: Background,
}

impl Wish {
    /// Checks the fields. Notes those without effect in `ignored`.
    ///
    /// # Errors
    /// [`ApiError::Invalid`] with the field.
    pub(crate) fn check(self, app: &App, ignored: &mut Ignored) -> Result<Output, ApiError> {
        let format = self.format.unwrap_or_default();
        let is_plain = matches!(self.quality, None | Some(Quality::Auto | Quality::Standard));
        ignored.note("quality", !is_plain);
        ignored.note("moderation", self.moderation == Some(Moderation::Low));
        let compression = check::compression(self.compression)?;
        ignored.note(
            "output_compression",
            compression.is_some() && format != FileFormat::Jpeg,
        );
        let background = self.background.unwrap_or_default();
        if (background, format) == (Background::Transparent, FileFormat::Jpeg) {
            let message = "a transparent background needs output_format png or webp";
            return Err(ApiError::invalid("background", message));
        }
        Ok(Output {
            format,
            background,
            quality: compression.unwrap_or(JPEG_QUALITY).max(1),
            size: size(app.config.max_side, self.size.as_deref())?,
            response: self.response.unwrap_or_default(),
            latents: self.latents.unwrap_or_default(),
        })
    }
}

/// Parses `size`: `None` for "auto".
fn size(most: u32, size: Option<&str>) -> Result<Option<(u32, u32)>, ApiError> {
    let Some(size) = size.filter(|size| *size != "auto") else {
        return Ok(None);
    };
    let sides = size
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse::<u32>().ok()?, h.parse::<u32>().ok()?)));
    let range = MIN_SIDE..=most;
    match sides {
        Some((width, height)) if range.contains(&width) && range.contains(&height) => {
            Ok(Some((width, height)))
        }
        _ => Err(ApiError::invalid(
            "size",
            format!(
                "`size` must be auto or WIDTHxHEIGHT, each from {MIN_SIDE} to {most}, not `{size}`"
            ),
        )),
    }
}

impl Output {
    /// The background for the response: opaque or transparent.
    pub(crate) const fn background(&self) -> Background {
        match self.background {
            Background::Transparent => Background::Transparent,
            Background::Auto | Background::Opaque => Background::Opaque,
        }
    }

    /// The size for the response, such as "128x128". `own` is the size of the pictures.
    pub(crate) fn size(&self, own: (u32, u32)) -> String {
        let (width, height) = self.size.unwrap_or(own);
        format!("{width}x{height}")
    }

    /// The file extension.
    pub(crate) const fn extension(&self) -> &'static str {
        match self.format {
            FileFormat::Png => "png",
            FileFormat::Jpeg => "jpg",
            FileFormat::Webp => "webp",
        }
    }

    /// Composites the picture into its photograph, if it has one, scales it, encodes it and signs
    /// the file, on a blocking thread.
    pub(crate) async fn encode(&self, app: &App, drawn: Drawn) -> Result<Vec<u8>, ApiError> {
        let _turn = match &drawn.retouch {
            Some(_) => Some(turn(&app.retouchers).await?),
            None => None,
        };
        let (output, signer) = (self.clone(), app.config.signer.clone());
        let start = std::time::Instant::now();
        let file = tokio::task::spawn_blocking(move || {
            let picture = match (&drawn.retouch, &drawn.before) {
                (Some(retouch), Some(before)) => retouch.draw(before, &drawn.image, &MASK),
                _ => drawn.image.into(),
            };
            let seal = signer.as_deref().map(|signer| Seal {
                signer,
                parent: drawn.parent.as_deref(),
            });
            output.encode_now(picture, &drawn.mark, seal)
        });
        let file = file.await;
        app.metrics.stage(Stage::Encode, start.elapsed());
        match file {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(error)) => {
                tracing::error!(%error, "an image could not be written");
                Err(ApiError::Internal)
            }
            Err(_) => Err(ApiError::Internal),
        }
    }

    fn encode_now(
        &self,
        picture: DynamicImage,
        mark: &Mark,
        seal: Option<Seal<'_>>,
    ) -> std::io::Result<Vec<u8>> {
        let picture = match self.background {
            Background::Transparent => Cutout::Transparent
                .put_behind(&on_white(picture).into_rgb8(), &MASK)
                .into(),
            Background::Auto | Background::Opaque => picture,
        };
        let picture = match self.size {
            Some((width, height)) => fit(picture, width, height),
            None => picture,
        };
        let (format, picture) = match self.format {
            FileFormat::Png => (PictureFormat::Png, picture),
            FileFormat::Webp => (PictureFormat::WebP, picture),
            FileFormat::Jpeg => (PictureFormat::Jpeg, on_white(picture)),
        };
        let file = match picture {
            DynamicImage::ImageRgb8(picture) => format.encode(&picture, mark, self.quality),
            picture => format.encode(&picture.into_rgba8(), mark, self.quality),
        }?;
        match seal {
            Some(seal) => seal.sign(&file, mark).map_err(std::io::Error::other),
            None => Ok(file),
        }
    }
}
