//! A legacy torch file after its magic number: four pickles and data.

#![no_main]

use libfuzzer_sys::fuzz_target;

const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

fuzz_target!(|data: &[u8]| anyface_fuzz::read_after(MAGIC, data));
