//! Uploaded pictures, decoded within limits.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};

use crate::app::App;
use crate::error::ApiError;
use crate::metrics::Stage;

/// Decodes a picture, away from the threads that answer, and turns it upright as its camera says.
///
/// # Errors
/// [`ApiError::InvalidImage`] names `param` when it is no PNG or JPEG, broken, or has too many pixels.
pub(crate) async fn decode(
    app: &App,
    bytes: Vec<u8>,
    param: &'static str,
) -> Result<RgbImage, ApiError> {
    let _turn = app
        .decoders
        .acquire()
        .await
        .map_err(|_| ApiError::Stopping)?;
    let max_pixels = app.config.max_pixels;
    let start = std::time::Instant::now();
    let decoded = tokio::task::spawn_blocking(move || decode_now(&bytes, max_pixels)).await;
    app.metrics.stage(Stage::Decode, start.elapsed());
    let fault = |message| ApiError::InvalidImage { message, param };
    decoded.map_err(|_| ApiError::Internal)?.map_err(fault)
}

fn decode_now(bytes: &[u8], max_pixels: u64) -> Result<RgbImage, String> {
    let broken = |e: image::ImageError| format!("the picture cannot be read: {e}");
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|e| broken(e.into()))?;
    if reader.format().is_none() {
        return Err("the file is no picture: send a PNG or JPEG file".to_owned());
    }
    let mut decoder = reader.into_decoder().map_err(broken)?;
    // The header tells the size before any pixel is unpacked.
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > max_pixels {
        return Err(format!(
            "the picture has {width} x {height} pixels, more than the {max_pixels} this server reads"
        ));
    }
    let mut limits = Limits::default();
    // At most four channels of two bytes, twice over for the decoder's own use.
    limits.max_alloc = Some(16 * max_pixels);
    decoder.set_limits(limits).map_err(broken)?;
    let orientation = decoder.orientation().map_err(broken)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}
