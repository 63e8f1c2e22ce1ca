//! Recognises files that are often found in place of weights, and says what to do about them.

/// First bytes of other file types, with a message for each.
const BY_FIRST_BYTES: [(&[u8], &str); 8] = [
    (
        b"version https://git-lfs.github.com/",
        "a git-lfs pointer in place of the file: run `git lfs pull` in its repository",
    ),
    (
        b"\x1f\x8b",
        "a gzip archive: unpack it first, with `gunzip`",
    ),
    (b"BZh", "a bzip2 archive: unpack it first, with `bunzip2`"),
    (
        b"\xfd7zXZ\x00",
        "an xz archive: unpack it first, with `unxz`",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "a zstd archive: unpack it first, with `unzstd`",
    ),
    (
        b"7z\xbc\xaf\x27\x1c",
        "a 7z archive: unpack it first, with `7z x`",
    ),
    (
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file (Keras), which is not supported",
    ),
    (
        b"GGUF",
        "a GGUF file, which is not supported: use the model's safetensors file",
    ),
];

/// Offset of the magic number in a tar archive.
const TAR_MAGIC: usize = 257;

/// Describes a file that is not a checkpoint; `None` if its type is unknown.
pub(crate) fn name(bytes: &[u8]) -> Option<&'static str> {
    if is_page(bytes) {
        return Some(
            "a web page, not weights: the download ended at a page that needs input, so \
             download the file itself",
        );
    }
    if bytes
        .get(TAR_MAGIC..)
        .is_some_and(|b| b.starts_with(b"ustar"))
    {
        return Some("a tar archive: unpack it first, with `tar -xf`");
    }
    let found = BY_FIRST_BYTES
        .iter()
        .find(|(first, _)| bytes.starts_with(first));
    found.map(|&(_, line)| line)
}

/// Whether the bytes begin like an HTML or XML page.
fn is_page(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let page = bytes.trim_ascii_start();
    [
        b"<!doctype".as_slice(),
        b"<html",
        b"<head",
        b"<?xml",
        b"<!--",
    ]
    .iter()
    .any(|tag| {
        page.get(..tag.len())
            .is_some_and(|p| p.eq_ignore_ascii_case(tag))
    })
}
