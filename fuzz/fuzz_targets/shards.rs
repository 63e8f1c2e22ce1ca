//! An index and its two shards, `a` and `b`.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((index, rest)) = anyface_fuzz::split(data) else {
        return;
    };
    let Some((a, b)) = anyface_fuzz::split(rest) else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("index.json");
    for (name, bytes) in [("a", a), ("b", b), ("index.json", &[b"{", index].concat())] {
        fs::write(folder.path().join(name), bytes).expect("written");
    }
    anyface_fuzz::read_path(&path);
});
