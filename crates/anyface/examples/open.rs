//! Measures how long it takes to open a checkpoint and to verify all tensors.
//!
//! `cargo run --release -p anyface --example open -- FILE`

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use std::time::Instant;

use anyface::Error;
use anyface::checkpoint::Checkpoint;
use anyface::convert::convert;

fn main() -> Result<(), Error> {
    for path in std::env::args_os().skip(1) {
        let start = Instant::now();
        let checkpoint = Checkpoint::open(path.as_ref())?;
        let opened = start.elapsed();
        let converted = convert(&checkpoint)?;
        println!(
            "{}  {} with {} tensors  opened in {opened:.1?}, opened and verified in {:.1?}",
            checkpoint.source_name,
            converted.kind.name(),
            converted.tensors().len(),
            start.elapsed(),
        );
    }
    Ok(())
}
