//! An npz archive of two arrays.

#![no_main]

use anyface_fuzz::{archive, read, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((a, b)) = split(data) {
        let magic = b"\x93NUMPY".as_slice();
        read(archive(&[
            ("a.npy", &[magic, a].concat()),
            ("b.npy", &[magic, b].concat()),
        ]));
    }
});
