//! An ONNX model after its version field.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| anyface_fuzz::read_after(b"\x08\x07", data));
