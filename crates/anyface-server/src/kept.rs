//! Files that responses name by URL, kept in memory for an hour.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use uuid::Uuid;

/// Lifetime of a file, as in OpenAI's API.
const TIME: Duration = Duration::from_secs(3600);

/// Limit of all files in bytes. The oldest files are removed first.
const MOST: usize = 256 << 20;

/// The files. A name gives access to its file, so names are random.
#[derive(Default)]
pub(crate) struct KeptFiles(Mutex<VecDeque<KeptFile>>);

struct KeptFile {
    name: String,
    bytes: Bytes,
    since: Instant,
}

impl KeptFiles {
    /// Keeps a file; returns its name.
    pub(crate) fn keep(&self, bytes: Vec<u8>, extension: &str) -> String {
        let name = format!("{}.{extension}", Uuid::new_v4().simple());
        let mut files = self.files();
        files.push_back(KeptFile {
            name: name.clone(),
            bytes: bytes.into(),
            since: Instant::now(),
        });
        let mut size: usize = files.iter().map(|file| file.bytes.len()).sum();
        while size > MOST
            && let Some(oldest) = files.pop_front()
        {
            size -= oldest.bytes.len();
        }
        name
    }

    /// The file with this name, unless it has expired.
    pub(crate) fn find(&self, name: &str) -> Option<Bytes> {
        let files = self.files();
        let file = files.iter().find(|file| file.name == name)?;
        Some(file.bytes.clone())
    }

    fn files(&self) -> MutexGuard<'_, VecDeque<KeptFile>> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while files
            .front()
            .is_some_and(|file| file.since.elapsed() > TIME)
        {
            files.pop_front();
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_until_the_limit_removes_them() {
        let files = KeptFiles::default();
        let first = files.keep(vec![1; MOST / 2], "png");
        assert!(first.ends_with(".png"));
        assert_eq!(files.find(&first).unwrap().len(), MOST / 2);
        let second = files.keep(vec![2; MOST / 2], "jpg");
        assert!(files.find(&first).is_some() && files.find(&second).is_some());
        files.keep(vec![3], "png");
        assert!(files.find(&first).is_none() && files.find(&second).is_some());
        assert!(files.find("").is_none());
    }
}
