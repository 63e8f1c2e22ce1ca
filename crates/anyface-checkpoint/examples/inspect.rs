//! Prints the container, the tensors and the metadata of checkpoints.
//!
//! `cargo run --release -p anyface-checkpoint --example inspect -- FILE...`

#![allow(clippy::print_stdout, reason = "an example prints its results")]

use anyface_checkpoint::{Checkpoint, CheckpointError};

fn main() -> Result<(), CheckpointError> {
    for path in std::env::args_os().skip(1) {
        let checkpoint = Checkpoint::open(path.as_ref())?;
        println!("{}: {}", checkpoint.source_name, checkpoint.container);
        for (name, tensor) in &checkpoint.tensors {
            println!("  {name} {} {:?}", tensor.dtype(), tensor.shape());
        }
        println!("  metadata {}", checkpoint.metadata);
        for left_out in &checkpoint.left_out {
            println!("  left out: {} ({})", left_out.name, left_out.reason);
        }
    }
    Ok(())
}
