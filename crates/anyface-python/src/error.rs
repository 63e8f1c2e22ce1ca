//! Errors of the library as Python exceptions.

use std::io;

use anyface::Error;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::{PyErr, create_exception};

create_exception!(
    anyface,
    AnyfaceError,
    PyException,
    "An error of the library, in one line that names the file, tensor or field."
);

/// The exception for an error: `OSError` or a subclass for files that cannot be read or written,
/// `ValueError` for an argument outside its range, `AnyfaceError` for everything else.
pub(crate) fn exception(error: Error) -> PyErr {
    let line = error.to_string();
    match error {
        Error::Io { source, .. } => io::Error::new(source.kind(), line).into(),
        Error::EmptyDescription | Error::NoSuchFace { .. } | Error::OutOfRange { .. } => {
            PyValueError::new_err(line)
        }
        _ => AnyfaceError::new_err(line),
    }
}
