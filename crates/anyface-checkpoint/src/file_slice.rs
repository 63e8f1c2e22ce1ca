//! Byte slices that know their offset in the file.

use std::ops::Range;

use bytes::Bytes;

/// An error in a file and its position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (byte {offset})")]
pub struct Fault {
    /// Offset from the start of the file, in bytes.
    pub offset: usize,
    /// The cause.
    pub reason: String,
}

impl Fault {
    pub(crate) fn new(offset: usize, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { offset, reason }
    }
}

/// A file or a part of one: a view that shares the file's memory.
#[derive(Debug, Clone)]
pub(crate) struct FileSlice {
    pub(crate) bytes: Bytes,
    /// Offset of the first byte in the file.
    pub(crate) start: usize,
}

impl FileSlice {
    /// A sub-slice; `range` counts from the first byte of this slice.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<Self> {
        self.bytes.get(range.clone())?;
        Some(Self {
            start: self.start + range.start,
            bytes: self.bytes.slice(range),
        })
    }

    /// The [`FileSlice`] of `slice`, which must be a sub-slice of these bytes.
    pub(crate) fn part_of(&self, slice: &[u8]) -> Self {
        let start = slice.as_ptr().addr() - self.bytes.as_ptr().addr();
        Self {
            bytes: self.bytes.slice_ref(slice),
            start: self.start + start,
        }
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader {
            bytes: &self.bytes,
            start: self.start,
            position: 0,
        }
    }

    pub(crate) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.start, reason)
    }
}

/// Reads sequentially; reading past the end is a [`Fault`].
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    start: usize,
    position: usize,
}

impl<'a> Reader<'a> {
    /// Offset of the next byte in the file.
    pub(crate) fn offset(&self) -> usize {
        self.start + self.position
    }

    /// Number of bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.offset(), reason)
    }

    /// Whether the next bytes equal `bytes`.
    pub(crate) fn starts_with(&self, bytes: &[u8]) -> bool {
        self.bytes[self.position..].starts_with(bytes)
    }

    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.position..];
        let Some(taken) = rest.get(..count) else {
            let reason = format!("the file ends {} bytes early", count - rest.len());
            return Err(self.fault(reason));
        };
        self.position += count;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("N bytes were taken"))
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A 32-bit little-endian length.
    pub(crate) fn len32(&mut self) -> Result<usize, Fault> {
        self.array().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    /// A 64-bit little-endian length.
    pub(crate) fn len64(&mut self) -> Result<usize, Fault> {
        let offset = self.offset();
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| Fault::new(offset, format!("invalid length {length}")))
    }

    /// The next `count` bytes as UTF-8.
    pub(crate) fn text(&mut self, count: usize) -> Result<&'a str, Fault> {
        let offset = self.offset();
        str::from_utf8(self.take(count)?).map_err(|_| Fault::new(offset, "text is not UTF-8"))
    }

    /// The bytes up to the next line feed, which is consumed.
    pub(crate) fn line_bytes(&mut self) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.position..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(self.fault("a line has no end"));
        };
        self.position += length + 1;
        Ok(&rest[..length])
    }

    /// [`Self::line_bytes`] as UTF-8.
    pub(crate) fn line(&mut self) -> Result<&'a str, Fault> {
        let offset = self.offset();
        str::from_utf8(self.line_bytes()?).map_err(|_| Fault::new(offset, "text is not UTF-8"))
    }
}
