//! The fields of a request that say how its images come back.

use std::sync::LazyLock;

use anyface::Device;
use anyface::image::{Mark, encode_jpeg, encode_png};
use anyface::segmentation::{Background as Cutout, PersonMask};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::RgbImage;
use image::imageops::{self, FilterType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::metrics::Stage;

const JPEG_QUALITY: u8 = 95;

/// Tells persons from backgrounds; made when it is first wanted.
static MASK: LazyLock<PersonMask> = LazyLock::new(|| PersonMask::builtin(&Device::flex()));

/// Format of the image files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileFormat {
    /// Lossless.
    #[default]
    Png,
    /// Smaller.
    Jpeg,
}

/// How images are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResponseFormat {
    /// As base64 in `b64_json`.
    #[default]
    B64Json,
    /// As a data URL in `url`: this server keeps no images.
    Url,
}

/// The one quality there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Quality {
    /// What the model does.
    #[default]
    Auto,
    /// The same.
    Standard,
}

/// What stands behind the face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Background {
    /// What the model draws.
    #[default]
    Auto,
    /// The same.
    Opaque,
    /// Nothing: the person is cut out. With PNG only.
    Transparent,
}

/// How images are to come back, as asked.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub(crate) size: Option<String>,
    pub(crate) format: Option<FileFormat>,
    pub(crate) compression: Option<u8>,
    pub(crate) response: Option<ResponseFormat>,
    pub(crate) latents: Option<bool>,
    pub(crate) background: Option<Background>,
}

/// How images come back.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) format: FileFormat,
    quality: u8,
    /// Side in pixels.
    pub(crate) side: u32,
    pub(crate) response: ResponseFormat,
    pub(crate) latents: bool,
    background: Background,
}

impl Wish {
    pub(crate) fn check(self, app: &App) -> Result<Output, ApiError> {
        let format = self.format.unwrap_or_default();
        let quality = match (self.compression, format) {
            (None, _) => JPEG_QUALITY,
            (Some(percent @ 0..=100), FileFormat::Jpeg) => percent.max(1),
            (Some(_), FileFormat::Jpeg) => {
                let message = "output_compression must be between 0 and 100";
                return Err(ApiError::invalid("output_compression", message));
            }
            (Some(_), FileFormat::Png) => {
                return Err(ApiError::UnsupportedParameter {
                    message: "output_compression goes with output_format jpeg only".to_owned(),
                    param: "output_compression",
                });
            }
        };
        let background = self.background.unwrap_or_default();
        if (background, format) == (Background::Transparent, FileFormat::Jpeg) {
            let message = "a transparent background goes with output_format png only";
            return Err(ApiError::invalid("background", message));
        }
        Ok(Output {
            format,
            background,
            quality,
            side: side(app, self.size.as_deref())?,
            response: self.response.unwrap_or_default(),
            latents: self.latents.unwrap_or_default(),
        })
    }
}

/// The side of the images that a request asks for.
fn side(app: &App, size: Option<&str>) -> Result<u32, ApiError> {
    let (own, most) = (app.about.resolution, app.config.max_side);
    let Some(size) = size.filter(|size| *size != "auto") else {
        return Ok(own);
    };
    let sides = size
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse::<u32>().ok()?, h.parse::<u32>().ok()?)));
    match sides {
        Some((width, height)) if width == height && (16..=most.max(own)).contains(&width) => {
            Ok(width)
        }
        _ => Err(ApiError::invalid(
            "size",
            format!(
                "size must be auto or a square from 16x16 to {0}x{0}; the model's own is {own}x{own}, others are scaled",
                most.max(own)
            ),
        )),
    }
}

impl Output {
    /// Whether images are cut out.
    pub(crate) const fn background(&self) -> Background {
        match self.background {
            Background::Transparent => Background::Transparent,
            Background::Auto | Background::Opaque => Background::Opaque,
        }
    }

    /// "128x128".
    pub(crate) fn size(&self) -> String {
        format!("{0}x{0}", self.side)
    }

    /// The picture as a file of the wanted size, in base64; away from the threads that answer.
    pub(crate) async fn encode(
        &self,
        app: &App,
        image: RgbImage,
        mark: Mark,
    ) -> Result<String, ApiError> {
        let output = self.clone();
        let start = std::time::Instant::now();
        let file = tokio::task::spawn_blocking(move || output.encode_now(&image, &mark)).await;
        app.metrics.stage(Stage::Encode, start.elapsed());
        match file {
            Ok(Ok(file)) => Ok(BASE64_STANDARD.encode(file)),
            Ok(Err(error)) => {
                tracing::error!(%error, "an image could not be written");
                Err(ApiError::Internal)
            }
            Err(_) => Err(ApiError::Internal),
        }
    }

    fn encode_now(&self, image: &RgbImage, mark: &Mark) -> std::io::Result<Vec<u8>> {
        let scaled = (image.width() != self.side)
            .then(|| imageops::resize(image, self.side, self.side, FilterType::Lanczos3));
        let image = scaled.as_ref().unwrap_or(image);
        match self.format {
            FileFormat::Png if self.background == Background::Transparent => {
                encode_png(&Cutout::Transparent.put_behind(image, &MASK), mark)
            }
            FileFormat::Png => encode_png(image, mark),
            FileFormat::Jpeg => encode_jpeg(image, mark, self.quality),
        }
    }

    /// The picture's `b64_json` and `url`, one of which is there.
    pub(crate) fn deliver(&self, encoded: String) -> (Option<String>, Option<String>) {
        match (self.response, self.format) {
            (ResponseFormat::B64Json, _) => (Some(encoded), None),
            (ResponseFormat::Url, FileFormat::Png) => {
                (None, Some(format!("data:image/png;base64,{encoded}")))
            }
            (ResponseFormat::Url, FileFormat::Jpeg) => {
                (None, Some(format!("data:image/jpeg;base64,{encoded}")))
            }
        }
    }
}
