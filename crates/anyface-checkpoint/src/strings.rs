//! Pickled lists of strings, in which some data sets store the file names of a split.

use std::path::Path;

use crate::file_slice::{Fault, FileSlice};
use crate::pickle;
use crate::{CheckpointError, map_file};

/// Reads a file that is one pickled list or tuple of strings. No code in it is run.
///
/// # Errors
/// If the file cannot be read, is not a complete pickle, or holds anything else; the error gives
/// the byte offset.
pub fn read_strings(path: &Path) -> Result<Vec<String>, CheckpointError> {
    let source = FileSlice {
        bytes: map_file(path)?,
        start: 0,
    };
    strings(&source).map_err(|fault| CheckpointError::Malformed {
        source_name: path.display().to_string(),
        source: fault,
    })
}

fn strings(source: &FileSlice) -> Result<Vec<String>, Fault> {
    let (graph, root) = pickle::load(&mut source.reader())?;
    let Some(elements) = graph.sequence(root) else {
        return Err(graph.fault(root, "the pickle is not a list of strings"));
    };
    let string = |&id| match graph.text(id) {
        Some(text) => Ok(text.to_owned()),
        None => Err(graph.fault(id, "an element of the list is not a string")),
    };
    elements.iter().map(string).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<String>, Fault> {
        strings(&FileSlice {
            bytes: Bytes::copy_from_slice(bytes),
            start: 0,
        })
    }

    #[test]
    fn lists_of_python_2_and_3_are_read() {
        // `pickle.dumps(["1", "22"], 2)` of Python 3 and of Python 2.
        let python_3 = b"\x80\x02]q\x00(X\x01\x00\x00\x001q\x01X\x02\x00\x00\x0022q\x02e.";
        let python_2 = b"\x80\x02]q\x00(U\x011q\x01U\x0222q\x02e.";
        assert_eq!(read(python_3), Ok(vec!["1".to_owned(), "22".to_owned()]));
        assert_eq!(read(python_3), read(python_2));
    }

    #[test]
    fn anything_but_a_list_of_strings_is_a_fault() {
        let reason = |bytes| read(bytes).expect_err("a fault").to_string();
        // A number, a list of a number, and a call.
        assert!(reason(b"\x80\x02K\x01.").contains("not a list"));
        assert!(reason(b"\x80\x02]K\x01a.").contains("not a string"));
        assert!(reason(b"\x80\x02cos\nsystem\nU\x01a\x85R.").contains("not a list"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&[b"\x80\x02].".as_slice(), &bytes].concat());
            let _ = read(&bytes);
        }
    }
}
