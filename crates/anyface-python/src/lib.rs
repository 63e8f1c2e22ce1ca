//! The extension module of the Python package `anyface`.

mod error;
mod faces;
mod input;
mod pipeline;

use pyo3::pymodule;

/// Faces from words, and changes of faces in words.
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
    /// The first of `arguments` is the command's own name. Ends the process where the arguments
    /// cannot be read, or ask for help or the version.
    #[pyfunction]
    fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
        py.detach(|| {
            let code = anyface_cli::run(arguments);
            // At its end a Rust program writes out what is left of its output; Python does not.
            if io::stdout().flush().is_err() {
                return 1;
            }
            // The code does not tell its number.
            let mut numbers = 0..=u8::MAX;
            numbers
                .find(|&number| ExitCode::from(number) == code)
                .unwrap_or(1)
        })
    }
}
