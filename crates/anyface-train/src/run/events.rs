//! Writer of TensorBoard event files.
//!
//! A file is a sequence of records (`tensorflow/core/lib/io/record_writer.cc`). Each contains a
//! protobuf message `Event` (`tensorflow/core/util/event.proto`). Only scalars are supported.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use crate::error::{Result, TrainError};

/// Format version in the first event of a file.
const VERSION: &str = "brain.Event:2";
/// `kMaskDelta` of `tensorflow/core/lib/hash/crc32c.h`.
const MASK_DELTA: u32 = 0xa282_ead8;

/// `Event`.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

/// `Summary.Value`.
#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// An event file.
pub(super) struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Creates a new file in `folder` with a name that TensorBoard recognises.
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let now = seconds();
        let name = format!("events.out.tfevents.{now:017.6}.{}", std::process::id());
        let path = folder.join(name);
        let file = File::create(&path).map_err(TrainError::io(&path))?;
        let mut events = Self { path, file };
        events.write(&Event {
            wall_time: now,
            file_version: Some(VERSION.to_owned()),
            ..Event::default()
        })?;
        Ok(events)
    }

    /// Writes the named values of one step.
    pub(super) fn scalars(&mut self, step: u64, values: &[(String, f64)]) -> Result<()> {
        let value = values.iter().map(|(name, value)| Scalar {
            tag: name.clone(),
            simple_value: Some(*value as f32),
        });
        self.write(&Event {
            wall_time: seconds(),
            step: step as i64,
            summary: Some(Summary {
                value: value.collect(),
            }),
            ..Event::default()
        })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let record = record(&event.encode_to_vec());
        self.file
            .write_all(&record)
            .map_err(TrainError::io(&self.path))
    }
}

fn seconds() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0.0, |now| now.as_secs_f64())
}

/// A record: length, checksum of the length, data, checksum of the data.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [
        &length[..],
        &masked_crc(&length).to_le_bytes(),
        data,
        &masked_crc(data).to_le_bytes(),
    ]
    .concat()
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(MASK_DELTA)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first record of every file that TensorFlow writes, at time 0.
    #[test]
    fn the_first_record_matches_tensorflow() {
        let event = Event {
            file_version: Some(VERSION.to_owned()),
            ..Event::default()
        };
        let found = record(&event.encode_to_vec());
        assert_eq!(found[..8], 15u64.to_le_bytes());
        assert_eq!(&found[12..14], b"\x1a\x0d");
        assert_eq!(&found[14..27], VERSION.as_bytes());
        assert_eq!(found.len(), 8 + 4 + 15 + 4);
    }

    /// `crc32c.mask(crc32c.value(b"123456789"))` of TensorFlow. The checksum is 0xe3069283
    /// (RFC 3720).
    #[test]
    fn checksums_are_masked() {
        let expected = 0xe306_9283_u32.rotate_right(15).wrapping_add(MASK_DELTA);
        assert_eq!(masked_crc(b"123456789"), expected);
    }

    #[test]
    fn written_events_can_be_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut events = EventFile::create(folder.path()).expect("a file");
        let values = [("loss/l1".to_owned(), 0.0), ("rate".to_owned(), 0.5)];
        events.scalars(7, &values).expect("written");
        let mut bytes = &std::fs::read(&events.path).expect("the file")[..];
        let mut read = Vec::new();
        while !bytes.is_empty() {
            let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
            read.push(Event::decode(&bytes[12..12 + length]).expect("an event"));
            bytes = &bytes[12 + length + 4..];
        }
        let [first, second] = &read[..] else {
            panic!("expected two events, found {}", read.len());
        };
        assert_eq!(first.file_version.as_deref(), Some(VERSION));
        assert_eq!(second.step, 7);
        let scalars = &second.summary.as_ref().expect("numbers").value;
        let scalars: Vec<_> = scalars
            .iter()
            .map(|s| (&s.tag[..], s.simple_value))
            .collect();
        assert_eq!(scalars, [("loss/l1", Some(0.0)), ("rate", Some(0.5))]);
    }
}
