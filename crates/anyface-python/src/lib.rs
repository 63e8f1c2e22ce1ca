//! The extension module of the Python package `anyface`.

mod error;
mod faces;
mod input;
mod pipeline;

use pyo3::pymodule;

/// Generation of faces from descriptions, and edits of faces by text.
#[pymodule]
mod _anyface {
    use std::ffi::OsString;
    use std::io::{self, Write};
    use std::process::ExitCode;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::error::AnyfaceError;
    #[pymodule_export]
    use crate::faces::{FaceDescription, Faces};
    #[pymodule_export]
    use crate::pipeline::Pipeline;

    /// Run the command `anyface` and return its exit status.
    ///
    /// The first of `arguments` is the name of the command. Exits the process if the arguments are
    /// invalid or request help or the version.
    #[pyfunction]
    fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
        py.detach(|| {
            let code = anyface_cli::run(arguments);
            // A Rust program flushes its output when it exits, but Python does not flush Rust's.
            if io::stdout().flush().is_err() {
                return 1;
            }
            // `ExitCode` has no accessor for its number.
            let mut numbers = 0..=u8::MAX;
            numbers
                .find(|&number| ExitCode::from(number) == code)
                .unwrap_or(1)
        })
    }
}
