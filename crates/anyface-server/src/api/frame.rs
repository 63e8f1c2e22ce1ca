//! Fits pictures into the requested size.

use image::imageops::{self, FilterType};
use image::{DynamicImage, GenericImageView, Rgba, RgbaImage};

/// Scales a picture to fit into `width` × `height` without cropping. The borders have the mean
/// colour of the picture's edge, or are transparent if the picture has an alpha channel.
pub(super) fn fit(picture: DynamicImage, width: u32, height: u32) -> DynamicImage {
    if picture.dimensions() == (width, height) {
        return picture;
    }
    let scale = f64::min(
        f64::from(width) / f64::from(picture.width()),
        f64::from(height) / f64::from(picture.height()),
    );
    let [w, h] = [picture.width(), picture.height()]
        .map(|side| ((f64::from(side) * scale).round() as u32).max(1));
    let scaled = match picture.dimensions() == (w, h) {
        true => picture,
        false => picture.resize_exact(w, h, FilterType::Lanczos3),
    };
    if (w, h) == (width, height) {
        return scaled;
    }
    let mut framed = RgbaImage::from_pixel(width, height, edge(&scaled));
    let [x, y] = [width - w.min(width), height - h.min(height)].map(|rest| i64::from(rest / 2));
    imageops::replace(&mut framed, &scaled.to_rgba8(), x, y);
    match scaled.color().has_alpha() {
        true => framed.into(),
        false => DynamicImage::from(framed).into_rgb8().into(),
    }
}

/// The mean colour along the edge of a picture; transparent if it has an alpha channel.
fn edge(picture: &DynamicImage) -> Rgba<u8> {
    if picture.color().has_alpha() {
        return Rgba([0; 4]);
    }
    let (width, height) = picture.dimensions();
    let rows = (0..width).flat_map(|x| [(x, 0), (x, height - 1)]);
    let columns = (0..height).flat_map(|y| [(0, y), (width - 1, y)]);
    let (mut sum, mut count) = ([0u64; 4], 0);
    for (x, y) in rows.chain(columns) {
        let pixel = picture.get_pixel(x, y);
        sum.iter_mut()
            .zip(pixel.0)
            .for_each(|(sum, value)| *sum += u64::from(value));
        count += 1;
    }
    Rgba(sum.map(|sum| (sum / count) as u8))
}

/// Draws a picture with an alpha channel on white, for formats without one.
pub(super) fn on_white(picture: DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return picture;
    }
    let (width, height) = picture.dimensions();
    let mut paper = RgbaImage::from_pixel(width, height, Rgba([255; 4]));
    imageops::overlay(&mut paper, &picture.into_rgba8(), 0, 0);
    DynamicImage::from(paper).into_rgb8().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn a_picture_is_centred_and_not_cropped() {
        let red = RgbImage::from_pixel(8, 8, Rgb([200, 10, 10]));
        for (width, height) in [(32, 16), (16, 32), (16, 16), (20, 17)] {
            let framed = fit(red.clone().into(), width, height);
            assert_eq!(framed.dimensions(), (width, height));
            let framed = framed.into_rgb8();
            assert!(framed.pixels().all(|pixel| pixel.0 == [200, 10, 10]));
        }
        let clear = RgbaImage::from_pixel(8, 8, Rgba([9, 9, 9, 255]));
        let framed = fit(clear.into(), 32, 16).into_rgba8();
        assert_eq!((framed[(0, 0)].0[3], framed[(16, 8)].0[3]), (0, 255));
    }

    #[test]
    fn transparent_pixels_become_white() {
        let picture = RgbaImage::from_fn(2, 1, |x, _| {
            Rgba([10, 10, 10, if x == 0 { 0 } else { 255 }])
        });
        let paper = on_white(picture.into()).into_rgb8();
        assert_eq!([paper[(0, 0)].0, paper[(1, 0)].0], [[255; 3], [10; 3]]);
    }
}
