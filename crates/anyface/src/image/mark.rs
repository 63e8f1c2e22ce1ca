//! Marks: metadata that says that a picture is AI-generated, by which model and from which prompt.
//!
//! A PNG file has the metadata twice: as text chunks, and as an XMP packet with the properties of
//! the IPTC photo metadata standard, which search engines and photo software read. JPEG, WebP and
//! GIF files have only the XMP packet.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageBuffer, ImageEncoder, Pixel, RgbImage};
use image_webp::{WebPDecoder, WebPEncoder};
use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter};
use serde::Serialize;

use super::xmp;

// Keywords of the text chunks. PNG defines `Software`, the XMP specification (part 3) the last one.
const AI_GENERATED: &str = "AI-Generated";
const MODEL: &str = "Model";
const PROMPT: &str = "Prompt";
const SEED: &str = "Seed";
const SOFTWARE: &str = "Software";
const XMP: &str = "XML:com.adobe.xmp";

/// Identifier before the packet in an APP1 segment of a JPEG file (XMP specification, part 3).
const JPEG_XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// Header of the application extension with the packet in a GIF file (XMP specification, part 3).
const GIF_XMP: &[u8] = b"\x21\xFF\x0BXMP DataXMP";

/// The most bytes of a text chunk or packet that is read. This library writes shorter ones.
const MAX_TEXT: usize = 1 << 20;

/// How a picture was made. Every mark says that the picture is AI-generated.
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
    /// Program and version, e.g. "anyface 0.1.0".
    pub software: String,
    /// Domain of the bundle, e.g. "portraits".
    pub model: String,
    /// The prompt, if it may be published.
    pub prompt: Option<String>,
    /// The seed, if it may be published.
    pub seed: Option<u64>,
}

impl Mark {
    /// A mark of this version of the library, without prompt and seed.
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

/// Encodes a picture with its mark as PNG; with alpha unless all pixels are opaque.
///
/// # Errors
/// If the picture has no pixels, or the mark is too long for a PNG chunk.
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

/// Encodes a picture with its mark as JPEG; `quality` is from 1 to 100.
///
/// # Errors
/// If the picture is too large for JPEG, or the mark for a segment (64 KiB).
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
        .map_err(|_| std::io::Error::other("the metadata is too long for a JPEG file"))?;
    // Application segments follow the two bytes of the start-of-image marker.
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

/// Encodes a picture with its mark as lossless WebP; with alpha if the picture has it.
///
/// # Errors
/// If a side is longer than 16384 pixels, the limit of WebP.
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

/// Inserts a mark into a GIF file.
pub(crate) fn mark_gif(gif: &[u8], mark: &Mark) -> Vec<u8> {
    // Extensions follow the header, the logical screen descriptor and its optional palette.
    let palette = match gif[10] {
        flags @ 0x80.. => 6 << (flags & 7),
        _ => 0,
    };
    let (start, rest) = gif.split_at(13 + palette);
    // The packet is not a sequence of blocks with lengths. A reader that skips it as blocks reaches
    // the trailer at some byte, and every byte of the trailer leads to its end.
    let trailer: Vec<u8> = [1].into_iter().chain((0..=255).rev()).chain([0]).collect();
    let packet = xmp::write(mark);
    [start, GIF_XMP, packet.as_bytes(), &trailer, rest].concat()
}

/// Reads the mark of a PNG, JPEG, WebP or GIF file; `None` if it has none or is another kind of
/// file.
///
/// Prefers the text chunks of a PNG file. More programs preserve the XMP packet.
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
    // Other programs move text chunks behind the image data.
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

/// The XMP packet of a JPEG file.
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

/// The XMP packet of a GIF file.
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
    fn a_png_keeps_its_mark_and_its_pixels() {
        let image = RgbImage::from_fn(8, 6, |x, y| image::Rgb([x as u8, y as u8, 9]));
        let file = encode_png(&image, &mark()).unwrap();
        assert_eq!(read_mark(&file), Some(mark()));
        let read = image::load_from_memory(&file).unwrap().into_rgb8();
        assert_eq!(read, image);
    }

    #[test]
    fn a_png_has_alpha_only_for_transparent_pixels() {
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
        // XML cannot represent control characters.
        let prompt = mark().prompt.map(|prompt| prompt.replace('\u{1}', ""));
        assert_eq!(read_mark(&file), Some(Mark { prompt, ..mark() }));
    }

    #[test]
    fn prompt_and_seed_are_optional() {
        let file = encode_png(&RgbImage::new(8, 6), &Mark::new("portraits")).unwrap();
        assert_eq!(read_mark(&file), Some(Mark::new("portraits")));
        let found = |word: &str| file.windows(word.len()).any(|w| w == word.as_bytes());
        assert!(found("trainedAlgorithmicMedia") && !found("Prompt") && !found("Seed"));
    }

    #[test]
    fn damaged_files_and_files_without_a_mark_have_none() {
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
