//! Animated GIFs.

use std::path::Path;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, Frame, ImageError, RgbImage};

use super::mark::{Mark, mark_gif};
use crate::Error;
use crate::weights::write_atomically;

/// Duration of a frame in milliseconds.
const MILLISECONDS: u32 = 60;

/// Writes pictures of one size as a GIF with its mark, atomically. The GIF plays to the last
/// picture and back in an endless loop.
///
/// # Errors
/// [`Error::Io`] if the file cannot be written; it names the file.
pub fn save_animation(images: &[RgbImage], mark: &Mark, path: &Path) -> Result<(), Error> {
    let mut gif = Vec::new();
    encode(images, &mut gif)
        .map_err(std::io::Error::other)
        .and_then(|()| write_atomically(path, &mark_gif(&gif, mark)))
        .map_err(|source| Error::io(path, source))
}

fn encode(images: &[RgbImage], gif: &mut Vec<u8>) -> Result<(), ImageError> {
    let mut encoder = GifEncoder::new(gif);
    encoder.set_repeat(Repeat::Infinite)?;
    let inner = images.len().saturating_sub(1);
    let back = images[..inner].iter().skip(1).rev();
    for image in images.iter().chain(back) {
        let picture = DynamicImage::from(image.clone()).into_rgba8();
        let delay = Delay::from_numer_denom_ms(MILLISECONDS, 1);
        encoder.encode_frame(Frame::from_parts(picture, 0, 0, delay))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::read_mark;
    use image::codecs::gif::GifDecoder;
    use image::{AnimationDecoder, Rgb};

    #[test]
    fn an_animation_plays_forwards_and_backwards() {
        let images: Vec<_> = (0..4u8)
            .map(|i| RgbImage::from_pixel(8, 8, Rgb([i * 60, 0, 0])))
            .collect();
        let mut gif = Vec::new();
        encode(&images, &mut gif).unwrap();
        let mark = Mark::new("portraits");
        let gif = mark_gif(&gif, &mark);
        assert_eq!(read_mark(&gif), Some(mark));
        let decoder = GifDecoder::new(std::io::Cursor::new(gif)).unwrap();
        let frames = decoder.into_frames().collect_frames().unwrap();
        let reds: Vec<u8> = frames
            .iter()
            .map(|f| f.buffer().get_pixel(0, 0)[0])
            .collect();
        assert_eq!(reds, [0, 60, 120, 180, 120, 60]);
    }
}
