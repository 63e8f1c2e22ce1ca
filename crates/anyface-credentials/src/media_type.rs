//! Detection of file formats from the first bytes.

/// Media types of files that can be signed.
pub(crate) const SIGNED: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// Media type of unknown files.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// Media type of a file.
pub(crate) fn media_type(file: &[u8]) -> &'static str {
    match file {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => "image/webp",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => "image/tiff",
        _ => UNKNOWN,
    }
}
