//! A TorchScript archive with the given pickle and two storages.

#![no_main]

use anyface_fuzz::{archive, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let storage: Vec<u8> = (0..=255).collect();
    read(archive(&[
        ("archive/data.pkl", data),
        ("archive/constants.pkl", b"\x80\x02)."),
        ("archive/code/__torch__.py", b""),
        ("archive/data/0", &storage),
        ("archive/data/1", &storage[..16]),
    ]));
});
