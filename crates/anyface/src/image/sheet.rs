//! Contact sheets.

use image::{ImageBuffer, Pixel, imageops};

/// Pixels between pictures, and around the sheet.
const GAP: u32 = 4;

/// Background colour, RGBA.
const BACKGROUND: [u8; 4] = [250, 249, 246, 255];

type Picture<P> = ImageBuffer<P, Vec<u8>>;

/// Arranges pictures of one size in rows of `columns` on a light background.
///
/// ```
/// use anyface::image::contact_sheet;
/// use image::RgbImage;
///
/// let sheet = contact_sheet(&vec![RgbImage::new(64, 64); 4], 2);
/// assert_eq!(sheet.dimensions(), (140, 140));
/// ```
///
/// # Panics
/// If there are no pictures or no columns.
pub fn contact_sheet<P>(images: &[Picture<P>], columns: usize) -> Picture<P>
where
    P: Pixel<Subpixel = u8>,
{
    let (width, height) = images[0].dimensions();
    let columns = columns.min(images.len()) as u32;
    let rows = (images.len() as u32).div_ceil(columns);
    let mut sheet = Picture::from_pixel(
        GAP + columns * (width + GAP),
        GAP + rows * (height + GAP),
        *P::from_slice(&BACKGROUND[..P::CHANNEL_COUNT.into()]),
    );
    for (i, image) in (0..).zip(images) {
        let x = GAP + (i % columns) * (width + GAP);
        let y = GAP + (i / columns) * (height + GAP);
        imageops::replace(&mut sheet, image, x.into(), y.into());
    }
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn every_picture_is_on_the_sheet_in_reading_order() {
        let images: Vec<_> = (0..5)
            .map(|i| RgbImage::from_pixel(8, 6, Rgb([i * 50, 0, 0])))
            .collect();
        let sheet = contact_sheet(&images, 3);
        assert_eq!(sheet.dimensions(), (4 + 3 * 12, 4 + 2 * 10));
        assert_eq!(sheet.get_pixel(4 + 12 + 3, 4 + 10 + 3), &Rgb([200, 0, 0]));
        assert_eq!(
            sheet.get_pixel(4 + 24 + 3, 4 + 10 + 3),
            &Rgb([250, 249, 246])
        );
    }
}
