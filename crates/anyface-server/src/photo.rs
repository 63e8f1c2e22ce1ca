//! Uploaded pictures, and the face in them.

use std::sync::Arc;

use anyface::Error;
use anyface::image::decode_picture_within;
use anyface::photograph::{Photograph, is_drawn_face};
use image::RgbImage;

use crate::app::App;
use crate::error::ApiError;
use crate::metrics::Stage;

/// The largest face of an uploaded picture, aligned where there is a detector, as a square of the model's resolution; so
/// what waits in the queue is small. Runs away from the threads that answer.
///
/// # Errors
/// [`ApiError::InvalidImage`] names `param` when it is no picture, broken, has too many pixels, or no face is found.
pub(crate) async fn face(
    app: &Arc<App>,
    file: Vec<u8>,
    param: &'static str,
) -> Result<RgbImage, ApiError> {
    let _turn = app
        .decoders
        .acquire()
        .await
        .map_err(|_| ApiError::Stopping)?;
    let start = std::time::Instant::now();
    let shared = Arc::clone(app);
    let found = tokio::task::spawn_blocking(move || find(&shared, file)).await;
    app.metrics.stage(Stage::Decode, start.elapsed());
    found
        .map_err(|_| ApiError::Internal)?
        .map_err(|error| ApiError::InvalidImage {
            message: error.to_string(),
            param,
        })
}

fn find(app: &App, file: Vec<u8>) -> Result<RgbImage, Error> {
    const NAME: &str = "the upload";
    let side = app.about.resolution;
    let picture = decode_picture_within(&file, NAME, app.config.max_pixels)?;
    let detector = app.detector.as_ref();
    let detector = detector.filter(|_| !is_drawn_face(&file, &picture, side));
    let photograph = Photograph::new(picture, NAME, detector, 0, side)?;
    Ok(photograph.face)
}
