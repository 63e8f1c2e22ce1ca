//! The `anyface` command.

fn main() {}
