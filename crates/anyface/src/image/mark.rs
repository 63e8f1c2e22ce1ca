//! What an image says of itself: that it is AI-generated, by which model, from which words.
//!
//! The same facts are written twice, for the two kinds of readers there are: PNG text chunks, and an XMP packet with
//! the properties of the IPTC photo metadata standard that search engines and picture libraries look for. JPEG, WebP and
//! GIF carry the XMP packet only.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageBuffer, ImageEncoder, Pixel, RgbImage};
use image_webp::{WebPDecoder, WebPEncoder};
use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter};
use serde::Serialize;

use super::xmp;

const AI_GENERATED: &str = "AI-Generated";
const MODEL: &str = "Model";
const PROMPT: &str = "Prompt";
const SEED: &str = "Seed";
const SOFTWARE: &str = "Software";
const XMP: &str = "XML:com.adobe.xmp";

/// What stands before the packet in the APP1 segment of a JPEG file.
const JPEG_XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// What stands before the packet in a GIF file: an application extension.
const GIF_XMP: &[u8] = b"\x21\xFF\x0BXMP DataXMP";

/// Text chunks longer than this are none of ours.
const MAX_TEXT: usize = 1 << 20;

/// What an image says of its making. That it is AI-generated, every mark says.
///
/// ```
/// use anyface::image::{Mark, encode_png, read_mark};
/// use image::RgbImage;
///
/// let mark = Mark { seed: Some(7), ..Mark::new("portraits") };
/// let file = encode_png(&RgbImage::new(8, 8), &mark)?;
/// assert_eq!(read_mark(&file), Some(mark));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Mark {
    /// The program, "anyface 0.1.0".
    pub software: String,
    /// The domain of the bundle that made it, "portraits".
    pub model: String,
    /// The words it was made from, where they may be told.
    pub prompt: Option<String>,
    /// The seed of its noise, where it may be told.
    pub seed: Option<u64>,
}

impl Mark {
    /// The mark of a model's image, without words and seed.
    pub fn new(model: &str) -> Self {
        Self {
            software: concat!("anyface ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: model.to_owned(),
            ..Self::default()
        }
    }

    fn text_chunks(&self) -> Vec<(&'static str, String)> {
        let mut chunks = vec![
            (SOFTWARE, self.software.clone()),
            (AI_GENERATED, "true".to_owned()),
            (MODEL, self.model.clone()),
        ];
        chunks.extend(self.prompt.clone().map(|prompt| (PROMPT, prompt)));
        chunks.extend(self.seed.map(|seed| (SEED, seed.to_string())));
        chunks.push((XMP, xmp::write(self)));
        chunks
    }
}

/// A picture as a PNG file that carries its mark. Alpha is written where some pixel is not opaque.
///
/// # Errors
/// When the picture has no pixels, or the mark is too long for a PNG chunk.
pub fn encode_png<P: Pixel<Subpixel = u8>>(
    image: &ImageBuffer<P, Vec<u8>>,
    mark: &Mark,
) -> std::io::Result<Vec<u8>> {
    let is_opaque = image.pixels().all(|pixel| pixel.to_rgba().0[3] == u8::MAX);
    let (color, pixels): (_, Vec<u8>) = match is_opaque {
        true => (
            ColorType::Rgb,
            image.pixels().flat_map(|pixel| pixel.to_rgb().0).collect(),
        ),
        false => (
            ColorType::Rgba,
            image.pixels().flat_map(|pixel| pixel.to_rgba().0).collect(),
        ),
    };
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, image.width(), image.height());
    encoder.set_color(color);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Adaptive);
    for (keyword, text) in mark.text_chunks() {
        encoder.add_itxt_chunk(keyword.to_owned(), text)?;
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(file)
}

/// A picture as a JPEG file that carries its mark; `quality` from 1 to 100.
///
/// # Errors
/// When the picture is too large for JPEG, or the mark for one of its segments (64 KiB).
pub fn encode_jpeg(image: &RgbImage, mark: &Mark, quality: u8) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    JpegEncoder::new_with_quality(&mut plain, quality)
        .write_image(
            image,
            image.width(),
            image.height(),
            ExtendedColorType::Rgb8,
        )
        .map_err(std::io::Error::other)?;
    let packet = xmp::write(mark);
    let length = u16::try_from(2 + JPEG_XMP.len() + packet.len())
        .map_err(|_| std::io::Error::other("the mark is too long for a JPEG file"))?;
    // A JPEG file starts with the two bytes of "start of image"; application segments come right after.
    let (start, rest) = plain.split_at(2);
    Ok([
        start,
        &[0xFF, 0xE1],
        &length.to_be_bytes(),
        JPEG_XMP,
        packet.as_bytes(),
        rest,
    ]
    .concat())
}

/// A picture as a lossless WebP file that carries its mark, with alpha where the picture has it.
///
/// # Errors
/// When a side is over 16384 pixels, WebP's most.
pub fn encode_webp(image: &DynamicImage, mark: &Mark) -> std::io::Result<Vec<u8>> {
    let (color, pixels) = match image.color().has_alpha() {
        true => (image_webp::ColorType::Rgba8, image.to_rgba8().into_raw()),
        false => (image_webp::ColorType::Rgb8, image.to_rgb8().into_raw()),
    };
    let mut file = Vec::new();
    let mut encoder = WebPEncoder::new(&mut file);
    encoder.set_xmp_metadata(xmp::write(mark).into_bytes());
    encoder
        .encode(&pixels, image.width(), image.height(), color)
        .map_err(std::io::Error::other)?;
    Ok(file)
}

/// A GIF file with a mark in it.
pub(crate) fn mark_gif(gif: &[u8], mark: &Mark) -> Vec<u8> {
    // Extensions come after the header, the screen's descriptor, and the palette that its flags tell of.
    let palette = match gif[10] {
        flags @ 0x80.. => 6 << (flags & 7),
        _ => 0,
    };
    let (start, rest) = gif.split_at(13 + palette);
    // The packet is no row of blocks with their lengths. Wherever a reader that takes it for one ends up in the trailer,
    // it is led to the end.
    let trailer: Vec<u8> = [1].into_iter().chain((0..=255).rev()).chain([0]).collect();
    let packet = xmp::write(mark);
    [start, GIF_XMP, packet.as_bytes(), &trailer, rest].concat()
}

/// Reads the mark of a PNG, JPEG, WebP or GIF file; `None` when it has none, or is no such file.
///
/// The text chunks are taken where there are any; else the XMP packet, which survives more programs.
pub fn read_mark(file: &[u8]) -> Option<Mark> {
    match file {
        [0x89, b'P', b'N', b'G', ..] => read_png(file),
        [0xFF, 0xD8, ..] => xmp::read(jpeg_packet(file)?),
        [b'G', b'I', b'F', ..] => xmp::read(gif_packet(file)?),
        [b'R', b'I', b'F', b'F', ..] => xmp::read(&webp_packet(file)?),
        _ => None,
    }
}

fn read_png(file: &[u8]) -> Option<Mark> {
    let limits = png::Limits {
        bytes: 16 * MAX_TEXT,
    };
    let mut reader = Decoder::new_with_limits(Cursor::new(file), limits)
        .read_info()
        .ok()?;
    // Other programs move text behind the image data.
    reader.finish().ok()?;
    let mut texts = std::collections::HashMap::new();
    for chunk in &reader.info().utf8_text {
        let mut chunk = chunk.clone();
        if chunk.decompress_text_with_limit(MAX_TEXT).is_ok() {
            texts.insert(chunk.keyword.clone(), chunk.get_text().unwrap_or_default());
        }
    }
    if texts.get(AI_GENERATED).is_none_or(|text| text != "true") {
        return xmp::read(texts.get(XMP)?);
    }
    Some(Mark {
        software: texts.remove(SOFTWARE).unwrap_or_default(),
        model: texts.remove(MODEL).unwrap_or_default(),
        prompt: texts.remove(PROMPT),
        seed: texts.get(SEED).and_then(|seed| seed.parse().ok()),
    })
}

/// The XMP packet among the segments before the image data.
fn jpeg_packet(file: &[u8]) -> Option<&str> {
    let mut rest = file.get(2..)?;
    while let [0xFF, kind, high, low, ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let body = rest.get(4..2 + length)?;
        if *kind == 0xE1 && body.starts_with(JPEG_XMP) {
            return std::str::from_utf8(&body[JPEG_XMP.len()..]).ok();
        }
        rest = &rest[2 + length..];
    }
    None
}

/// The XMP packet of a WebP file.
fn webp_packet(file: &[u8]) -> Option<String> {
    let mut decoder = WebPDecoder::new(Cursor::new(file)).ok()?;
    decoder.set_memory_limit(MAX_TEXT);
    String::from_utf8(decoder.xmp_metadata().ok()??).ok()
}

/// The XMP packet among the extensions.
fn gif_packet(file: &[u8]) -> Option<&str> {
    let at = file.windows(GIF_XMP.len()).position(|w| w == GIF_XMP)?;
    let packet = &file[at + GIF_XMP.len()..];
    let end = packet.iter().position(|&byte| byte == 1)?;
    std::str::from_utf8(&packet[..end]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark {
            prompt: Some("a \"wise\" <old> sailor & his ☂\u{1}".to_owned()),
            seed: Some(u64::MAX),
            ..Mark::new("portraits")
        }
    }

    #[test]
    fn a_png_tells_what_it_was_told_and_keeps_its_pixels() {
        let image = RgbImage::from_fn(8, 6, |x, y| image::Rgb([x as u8, y as u8, 9]));
        let file = encode_png(&image, &mark()).unwrap();
        assert_eq!(read_mark(&file), Some(mark()));
        let read = image::load_from_memory(&file).unwrap().into_rgb8();
        assert_eq!(read, image);
    }

    #[test]
    fn a_png_has_alpha_where_it_says_something() {
        let mut image = image::RgbaImage::from_pixel(2, 1, [1, 2, 3, 255].into());
        let read = |image: &image::RgbaImage| {
            let file = encode_png(image, &mark()).unwrap();
            image::load_from_memory(&file).unwrap()
        };
        assert_eq!(read(&image).color(), image::ColorType::Rgb8);
        image.put_pixel(1, 0, [4, 5, 6, 7].into());
        assert_eq!(read(&image).as_rgba8(), Some(&image));
    }

    #[test]
    fn the_xmp_packet_alone_is_enough() {
        let image = RgbImage::new(8, 6);
        let file = encode_jpeg(&image, &mark(), 90).unwrap();
        image::load_from_memory(&file).expect("still a JPEG file");
        // XML has no control characters.
        let prompt = mark().prompt.map(|prompt| prompt.replace('\u{1}', ""));
        assert_eq!(read_mark(&file), Some(Mark { prompt, ..mark() }));
    }

    #[test]
    fn words_and_seed_may_be_left_out() {
        let file = encode_png(&RgbImage::new(8, 6), &Mark::new("portraits")).unwrap();
        assert_eq!(read_mark(&file), Some(Mark::new("portraits")));
        let found = |word: &str| file.windows(word.len()).any(|w| w == word.as_bytes());
        assert!(found("trainedAlgorithmicMedia") && !found("Prompt") && !found("Seed"));
    }

    #[test]
    fn files_without_a_mark_or_broken_have_none() {
        let file = encode_png(&RgbImage::new(8, 6), &mark()).unwrap();
        for end in 0..file.len() - 12 {
            read_mark(&file[..end]);
        }
        let jpeg = encode_jpeg(&RgbImage::new(8, 6), &mark(), 90).unwrap();
        for end in 0..jpeg.len() {
            read_mark(&jpeg[..end]);
        }
        let webp = encode_webp(&DynamicImage::new_rgb8(8, 6), &mark()).unwrap();
        for end in 0..webp.len() {
            read_mark(&webp[..end]);
        }
        let mut plain = Vec::new();
        image::codecs::png::PngEncoder::new(&mut plain)
            .write_image(&[0; 12], 2, 2, ExtendedColorType::Rgb8)
            .unwrap();
        assert_eq!(read_mark(&plain), None);
        assert_eq!(read_mark(b"\xFF\xD8\xFF\xE1\x00\x00"), None);
        assert_eq!(read_mark(b""), None);
    }
}
