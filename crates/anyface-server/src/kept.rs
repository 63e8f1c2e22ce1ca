//! Files that an answer named by URL, kept in memory for an hour.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use uuid::Uuid;

/// How long a file is kept, as OpenAI keeps its.
const TIME: Duration = Duration::from_secs(3600);

/// Most bytes of all files; the oldest go first.
const MOST: usize = 256 << 20;

/// The files. Whoever knows a file's name may have it, so names cannot be guessed.
#[derive(Default)]
pub(crate) struct KeptFiles(Mutex<VecDeque<KeptFile>>);

struct KeptFile {
    name: String,
    bytes: Bytes,
    since: Instant,
}

impl KeptFiles {
    /// Keeps a file; returns the name to ask for it by.
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

    /// The file of a name, unless its time is over.
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
    fn files_are_found_by_their_names_until_there_are_too_many() {
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
