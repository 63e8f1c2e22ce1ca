//! Peak signal-to-noise ratio.

use image::RgbImage;

/// Minimum error, which gives equal pictures 138 dB instead of infinity.
const LEAST: f64 = 1.5e-14;

/// PSNR in dB of a mean squared error of values in [0, 1].
pub fn psnr(mean_squared_error: f64) -> f64 {
    -10.0 * mean_squared_error.max(LEAST).log10()
}

/// PSNR in dB of two pictures of the same size.
pub fn psnr_of_pictures(a: &RgbImage, b: &RgbImage) -> f64 {
    let differences = a.as_raw().iter().zip(b.as_raw());
    let squares = differences.map(|(&a, &b)| (f64::from(a.abs_diff(b)) / 255.0).powi(2));
    psnr(squares.sum::<f64>() / a.as_raw().len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_range_is_20_db() {
        assert!((psnr(0.01) - 20.0).abs() < 1e-9);
        let [black, grey] = [0, 51].map(|value| RgbImage::from_pixel(3, 2, [value; 3].into()));
        // 20 log10(255 / 51).
        assert!((psnr_of_pictures(&black, &grey) - 13.979_400_086_720_377).abs() < 1e-9);
        assert!(psnr_of_pictures(&grey, &grey) > 130.0);
    }
}
