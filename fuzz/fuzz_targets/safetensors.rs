//! A safetensors file with a correct header length.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((header, elements)) = anyface_fuzz::split(data) {
        let length = (header.len() as u64 + 1).to_le_bytes();
        anyface_fuzz::read([&length, b"{".as_slice(), header, elements].concat());
    }
});
