//! An ncnn graph and its weights.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((graph, weights)) = anyface_fuzz::split(data) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("net.param");
    fs::write(&path, [b"7767517\n", graph].concat()).expect("written");
    fs::write(path.with_extension("bin"), weights).expect("written");
    anyface_fuzz::read_path(&path);
});
