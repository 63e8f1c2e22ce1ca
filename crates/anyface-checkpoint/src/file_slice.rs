//! Bytes that know where in the file they stand.

use std::ops::Range;

use bytes::Bytes;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (byte {offset})")]
pub struct Fault {
    /// Bytes before the fault, counted from the start of the file.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
}

impl Fault {
    pub(crate) fn new(offset: usize, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { offset, reason }
    }
}

/// A file, or a part of it: a view that shares the file's memory.
#[derive(Debug, Clone)]
pub(crate) struct FileSlice {
    pub(crate) bytes: Bytes,
    /// Where the first byte stands in the file.
    pub(crate) start: usize,
}

impl FileSlice {
    /// A part, with offsets counted from this source's first byte.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<Self> {
        self.bytes.get(range.clone())?;
        Some(Self {
            start: self.start + range.start,
            bytes: self.bytes.slice(range),
        })
    }

    /// The part that `slice`, a slice of these bytes, is.
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

/// Reads from front to back; an end before its time is a [`Fault`].
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    start: usize,
    position: usize,
}

impl<'a> Reader<'a> {
    /// Offset in the file of the next byte.
    pub(crate) fn offset(&self) -> usize {
        self.start + self.position
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault::new(self.offset(), reason)
    }

    /// Whether these bytes come next.
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

    /// A length of four bytes, least significant first.
    pub(crate) fn len32(&mut self) -> Result<usize, Fault> {
        self.array().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    /// A length of eight bytes, least significant first.
    pub(crate) fn len64(&mut self) -> Result<usize, Fault> {
        let offset = self.offset();
        let length = u64::from_le_bytes(self.array()?);
        usize::try_from(length).map_err(|_| Fault::new(offset, format!("a length of {length}")))
    }

    /// The next `count` bytes as UTF-8.
    pub(crate) fn text(&mut self, count: usize) -> Result<&'a str, Fault> {
        let offset = self.offset();
        str::from_utf8(self.take(count)?).map_err(|_| Fault::new(offset, "text that is no UTF-8"))
    }

    /// The bytes up to a line feed, which is read too.
    pub(crate) fn line_bytes(&mut self) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.position..];
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return Err(self.fault("a line without an end"));
        };
        self.position += length + 1;
        Ok(&rest[..length])
    }

    /// [`Self::line_bytes`] as UTF-8.
    pub(crate) fn line(&mut self) -> Result<&'a str, Fault> {
        let offset = self.offset();
        str::from_utf8(self.line_bytes()?).map_err(|_| Fault::new(offset, "text that is no UTF-8"))
    }
}
