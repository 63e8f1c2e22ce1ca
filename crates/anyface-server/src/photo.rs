//! Uploaded pictures: decoding, alignment of faces, and compositing of edited faces.

use std::sync::Arc;

use anyface::Error;
use anyface::photograph::{Photograph, decode_mask};
use anyface::segmentation::PersonMask;
use axum::body::Bytes;
use image::{DynamicImage, GrayImage, RgbImage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::app::{App, megapixels};
use crate::error::ApiError;
use crate::metrics::Stage;

/// A picture file of a request.
pub(crate) struct Upload {
    pub(crate) file: Bytes,
    /// The field of the request.
    pub(crate) param: &'static str,
    /// Index of the face; 0 is the largest.
    pub(crate) face: usize,
}

/// A photograph that keeps its own details in an edit.
pub(crate) struct Retouch {
    photograph: Photograph,
    /// Where it may change; `None` for everywhere.
    mask: Option<GrayImage>,
    /// Whether to return the aligned face alone.
    crop: bool,
    /// Its permits among the photographs in memory.
    _held: OwnedSemaphorePermit,
}

impl Upload {
    /// Decodes the picture and aligns its face to a square of `side` pixels, on a blocking thread.
    ///
    /// # Errors
    /// [`ApiError::InvalidImage`] with the field, if the file is not a picture, is damaged, has too
    /// many pixels, or does not contain the face.
    pub(crate) async fn open(self, app: &Arc<App>, side: u32) -> Result<Photograph, ApiError> {
        let _turn = turn(&app.decoders).await?;
        self.decode(app, side).await
    }

    /// As [`Upload::open`], for an edit that keeps the picture's details. `mask` limits the edit;
    /// `crop` selects the aligned face instead of the whole photograph.
    ///
    /// # Errors
    /// The errors of [`Upload::open`], and [`ApiError::InvalidImage`] if the mask does not fit the
    /// picture.
    pub(crate) async fn retouch(
        self,
        app: &Arc<App>,
        side: u32,
        mask: Option<Bytes>,
        crop: bool,
    ) -> Result<Retouch, ApiError> {
        let _turn = turn(&app.decoders).await?;
        let photograph = self.decode(app, side).await?;
        let size = photograph.picture.dimensions();
        let mask = mask.map(|file| decode_mask(&file, "the mask", size));
        let mask = mask.transpose().map_err(|error| invalid(&error, "mask"))?;
        let pixels = u64::from(size.0) * u64::from(size.1);
        let places = u32::try_from(megapixels(pixels)).unwrap_or(u32::MAX);
        let held = Arc::clone(&app.photographs)
            .acquire_many_owned(places)
            .await;
        Ok(Retouch {
            photograph,
            mask,
            crop,
            _held: held.map_err(|_| ApiError::Stopping)?,
        })
    }

    async fn decode(self, app: &Arc<App>, side: u32) -> Result<Photograph, ApiError> {
        let start = std::time::Instant::now();
        let shared = Arc::clone(app);
        let param = self.param;
        let found = tokio::task::spawn_blocking(move || self.find(&shared, side)).await;
        app.metrics.stage(Stage::Decode, start.elapsed());
        found
            .map_err(|_| ApiError::Internal)?
            .map_err(|error| invalid(&error, param))
    }

    fn find(&self, app: &App, side: u32) -> Result<Photograph, Error> {
        let max_pixels = app.config.max_pixels;
        let detector = app.detector.as_ref();
        Photograph::decode(
            &self.file,
            "the upload",
            max_pixels,
            detector,
            self.face,
            side,
        )
    }
}

impl Retouch {
    /// The aligned face.
    pub(crate) fn face(&self) -> RgbImage {
        self.photograph.face.clone()
    }

    /// Width and height of the photograph.
    pub(crate) fn size(&self) -> (u32, u32) {
        self.photograph.picture.dimensions()
    }

    /// The photograph, or its face alone, with the change from `before` to `after` applied. The
    /// model draws both.
    pub(crate) fn draw(
        &self,
        before: &RgbImage,
        after: &RgbImage,
        person: &PersonMask,
    ) -> DynamicImage {
        let mask = self.mask.as_ref();
        let face = self.photograph.edited(before, after, person, mask);
        match self.crop {
            true => face.after.into(),
            false => self.photograph.paste_back(&face, mask),
        }
    }
}

/// Waits for a permit.
pub(crate) async fn turn(turns: &Semaphore) -> Result<SemaphorePermit<'_>, ApiError> {
    turns.acquire().await.map_err(|_| ApiError::Stopping)
}

fn invalid(error: &Error, param: &'static str) -> ApiError {
    ApiError::InvalidImage {
        message: error.to_string(),
        param,
    }
}
