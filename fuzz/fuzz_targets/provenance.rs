//! Provenance of a picture: text chunks, XMP and content credentials.

#![no_main]

use anyface::provenance::Evidence;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    Evidence::of(data).verdict();
});
