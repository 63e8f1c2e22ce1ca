//! Every container on small files (`tools/parity/checkpoints.py`), intact and damaged.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn open(name: &str) -> Checkpoint {
    Checkpoint::open(&fixture(name)).unwrap()
}

fn values(checkpoint: &Checkpoint, name: &str) -> Vec<f32> {
    checkpoint.tensors[name].to_f32().unwrap()
}

fn fault(bytes: &[u8]) -> String {
    let error = Checkpoint::from_bytes(Bytes::copy_from_slice(bytes), "file").unwrap_err();
    error.to_string()
}

/// The error of a pickle of protocol 2 with this body.
fn pickle(body: &[u8]) -> String {
    fault(&[b"\x80\x02", body].concat())
}

#[test]
fn torch_containers_hold_the_same_views_and_values() {
    for (name, container) in [
        ("archive.pt", Container::TorchZip),
        ("zip64.pt", Container::TorchZip),
        ("legacy.pth", Container::TorchLegacy),
    ] {
        let file = open(name);
        assert_eq!(file.container, container);
        assert_eq!(file.tensors.len(), 6);
        let column_first = [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.];
        assert_eq!(values(&file, "state_dict.transposed"), column_first);
        assert_eq!(values(&file, "state_dict.offset"), [5., 6., 9., 10.]);
        assert_eq!(
            values(&file, "state_dict.repeated"),
            [2., 3., 2., 3., 2., 3.]
        );
        assert!(values(&file, "state_dict.empty").is_empty());
        let whole = &file.tensors["state_dict.whole"];
        assert_eq!(whole.shape(), [3, 4]);
        let scalar = &file.tensors["state_dict.scalar"];
        assert_eq!(scalar.shape(), [0; 0]);
        assert_eq!(scalar.data().as_ref(), (-1_i64).to_le_bytes());
        let opts =
            json!({"size": 1024, "rate": 0.5, "name": "tête", "flags": [true, null], "3": "three"});
        assert_eq!(file.metadata, json!({ "opts": opts }));
        assert_eq!(file.left_out, []);
        file.verify().unwrap();
    }
}

#[test]
fn text_of_python_2_is_read_from_bytes() {
    let file = open("python2.pth");
    assert_eq!(values(&file, "lin0.weight"), [1., 2., 3.]);
    assert_eq!(file.metadata, json!({"epoch": 5}));
}

#[test]
fn numpy_arrays_come_alone_zipped_and_pickled() {
    assert_eq!(
        values(&open("array.npy"), "array"),
        [0., 1., 2., 3., 4., 5.]
    );
    let npz = open("arrays.npz");
    assert_eq!(npz.container, Container::Npz);
    assert_eq!(values(&npz, "mu"), values(&npz, "sigma"));
    for protocol in [0, 1, 2, 4, 5] {
        let file = open(&format!("numpy_p{protocol}.pkl"));
        assert_eq!(values(&file, "array"), [0., 1., 2., 3., 4., 5.]);
        assert_eq!(
            file.metadata,
            json!({"scalar": 1.5, "epoch": 3}),
            "protocol {protocol}"
        );
        assert_eq!(file.left_out[0].name, "bytes");
    }
}

#[test]
fn shards_are_found_beside_their_index() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("model.safetensors.index.json");
    for (name, shard) in [("a", "1.safetensors"), ("b", "2.safetensors")] {
        let tensor = StoredTensor::from_f32(vec![2], &[1.0, 2.0]);
        let bytes = ::safetensors::serialize([(name, &tensor)], None).unwrap();
        std::fs::write(folder.path().join(shard), bytes).unwrap();
    }
    let open = |text: &str| {
        std::fs::write(&index, text).unwrap();
        Checkpoint::open(&index)
    };
    let file = open(r#"{"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}"#).unwrap();
    assert_eq!(file.container, Container::ShardedSafetensors);
    assert_eq!(values(&file, "b"), [1.0, 2.0]);
    for (text, reason) in [
        (
            r#"{"weight_map": {"c": "1.safetensors"}}"#,
            "lacks the tensor `c`",
        ),
        (
            r#"{"weight_map": {"a": "../1.safetensors"}}"#,
            "is not the name of a file beside",
        ),
        (
            r#"{"weight_map": {"a": "model.safetensors.index.json"}}"#,
            "unknown container",
        ),
        (r#"{"weight_map": 3}"#, "not an index of shards"),
        (r#"{"error": "Entry not found"}"#, "not an index of shards"),
    ] {
        let error = open(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn torch_tensors_in_protocols_0_and_1_are_read() {
    for (name, container) in [
        ("torch_p0.pkl", Container::Pickle),
        ("torch_p1.pkl", Container::Pickle),
        ("legacy_p1.pth", Container::TorchLegacy),
    ] {
        let file = open(name);
        assert_eq!(file.container, container, "{name}");
        assert_eq!(values(&file, "w_avg"), [1.5, -2.0, 0.25], "{name}");
        assert_eq!(
            values(&file, "transposed"),
            [0., 3., 1., 4., 2., 5.],
            "{name}"
        );
        let opts = json!({"name": "tête\n\\", "rate": 0.5, "size": 1u64 << 40, "flag": true});
        assert_eq!(file.metadata, json!({ "opts": opts }), "{name}");
        assert_eq!(file.left_out, [], "{name}");
    }
}

#[test]
fn torch_shards_are_read_by_their_index() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model-00002-of-00002.bin",
    ] {
        std::fs::copy(fixture(name), folder.path().join(name)).unwrap();
    }
    let index = folder.path().join("pytorch_model.bin.index.json");
    std::fs::copy(fixture("pytorch_model.bin.index.json"), &index).unwrap();
    let file = Checkpoint::open(&index).unwrap();
    assert_eq!(file.container, Container::ShardedTorch);
    assert_eq!(values(&file, "first.weight"), [0., 1., 2., 3.]);
    assert_eq!(values(&file, "second.bias"), [0.5, -0.5]);
    file.verify().unwrap();

    // The checksums of shards are checked like those of a single file.
    let shard = folder.path().join("pytorch_model-00002-of-00002.bin");
    let mut bytes = std::fs::read(&shard).unwrap();
    let value = 0.5_f32.to_le_bytes();
    let at = bytes.windows(4).position(|w| w == value).unwrap();
    bytes[at] ^= 1;
    std::fs::write(&shard, bytes).unwrap();
    let error = Checkpoint::open(&index).unwrap().verify().unwrap_err();
    assert!(
        error.to_string().contains("does not match its checksum"),
        "{error}"
    );
}

#[test]
fn files_in_place_of_weights_are_named() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n";
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, reason) in [
        (
            &b"<!DOCTYPE html><html>"[..],
            "file is a web page, not weights",
        ),
        (b"\n  <html lang=\"en\">", "a web page"),
        (pointer.as_bytes(), "run `git lfs pull`"),
        (b"\x1f\x8b\x08\0", "unpack it first, with `gunzip`"),
        (b"\xfd7zXZ\0\0", "`unxz`"),
        (&tar, "`tar -xf`"),
        (b"\x89HDF\r\n\x1a\n", "Keras"),
    ] {
        let message = fault(bytes);
        assert!(message.contains(reason), "{message}");
        assert_eq!(message.lines().count(), 1);
    }
}

#[test]
fn the_error_for_a_folder_names_the_file_to_use() {
    let folder = tempfile::tempdir().unwrap();
    let message = || Checkpoint::open(folder.path()).unwrap_err().to_string();
    let put = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
    assert!(message().contains("is a folder, not a file: it has no weight file"));
    put("README.md");
    put("b.pth");
    assert!(message().ends_with("use b.pth in it"), "{}", message());
    put("a.safetensors");
    assert!(message().ends_with("use one of its files: a.safetensors, b.pth"));
    put("model.safetensors.index.json");
    assert!(message().ends_with("use model.safetensors.index.json in it"));
    put("data.pkl");
    assert!(message().contains("zip -0 -r"), "{}", message());
}

#[test]
fn code_is_named_and_never_run() {
    let file = b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.";
    let file = Checkpoint::from_bytes(Bytes::from_static(file), "file").unwrap();
    assert!(file.tensors.is_empty());
    assert_eq!(file.left_out[0].reason, "a call of posix.system, never run");
}

#[test]
fn hostile_pickles_are_refused_with_an_offset() {
    for (body, reason) in [
        (
            &b"h\x07."[..],
            "memo entry 7 is read before it is written (byte 2)",
        ),
        (b"0.", "the stack is empty (byte 2)"),
        (b"t.", "the stack has no MARK (byte 2)"),
        (b"}(K\x01u.", "a key has no value (byte 6)"),
        (
            b"K\x01K\x02a.",
            "an object that takes no elements gets some (byte 6)",
        ),
        (b"K\x01}b.", "an object that has no state gets one (byte 5)"),
        (b"\xff.", "0xff is not a pickle opcode (byte 2)"),
        (
            b"X\xff\xff\xff\xffabc",
            "the file ends 4294967292 bytes early",
        ),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff", "bytes early"),
        (b"X\x01\x00\x00\x00\xff.", "text is not UTF-8"),
        (b"\x80\x09.", "pickle protocol 9"),
        (b"Vescaped\\u12\n.", "an escape is not a character"),
        // A list that contains itself.
        (b"]q\x00h\x00a.", "objects nested deeper than 64"),
        (b"", "the file ends 1 bytes early"),
    ] {
        let message = pickle(body);
        assert!(message.contains(reason), "{message}");
        assert_eq!(message.lines().count(), 1);
    }
}

#[test]
fn a_pickle_cannot_cause_unbounded_work() {
    let message = pickle(&[&[b'N'; 1 << 20][..], b"."].concat());
    assert!(message.contains("more than 1048576 opcodes"), "{message}");

    // Each list contains the previous one twice: 2^40 paths to the innermost.
    let mut doubling = b"]q\x00".to_vec();
    for level in 0..40 {
        doubling.extend([b']', b'q', level + 1, b'h', level, b'a', b'h', level, b'a']);
    }
    doubling.push(b'.');
    let message = pickle(&doubling);
    assert!(
        message.contains("names and values of more than"),
        "{message}"
    );
}

#[test]
fn tensors_that_leave_their_storage_are_refused() {
    let whole = std::fs::read(fixture("legacy.pth")).unwrap();
    // Changes the shape of `whole` from (3, 4) to (3, 40).
    let shape = b"K\x03K\x04\x86";
    let at = whole.windows(shape.len()).position(|w| w == shape).unwrap();
    let mut file = whole;
    file[at + 3] = 40;
    let message = fault(&file);
    assert!(
        message.contains("leaves its storage of 48 bytes"),
        "{message}"
    );
}

#[test]
fn a_changed_storage_of_an_archive_is_an_error() {
    let mut file = std::fs::read(fixture("archive.pt")).unwrap();
    let storage = 1.0_f32.to_le_bytes();
    let at = file.windows(4).position(|w| w == storage).unwrap();
    file[at] ^= 1;
    let file = Checkpoint::from_bytes(file.into(), "file").unwrap();
    let message = file.verify().unwrap_err().to_string();
    assert!(
        message.contains("94452361833008` does not match its checksum"),
        "{message}"
    );
}

#[test]
fn files_that_are_not_checkpoints_are_refused() {
    for (bytes, reason) in [
        (&b""[..], "the file is empty (byte 0)"),
        (b"\x89PNG\r\n\x1a\n", "unknown container"),
        (b"PK\x03\x04 not a zip", "EOCD"),
        (b"\x10\0\0\0\0\0\0\0{}", "header"),
        (b"\x93NUMPY\x01", "bytes early"),
    ] {
        let message = fault(bytes);
        assert!(message.contains(reason), "{message}");
    }
}

/// Every container, truncated anywhere or with any byte changed, gives an error or a checkpoint and
/// never panics.
#[test]
fn damaged_files_never_panic() {
    for name in [
        "archive.pt",
        "zip64.pt",
        "legacy.pth",
        "python2.pth",
        "array.npy",
        "arrays.npz",
        "numpy_p0.pkl",
        "numpy_p2.pkl",
        "numpy_p5.pkl",
        "legacy_p1.pth",
    ] {
        let whole = std::fs::read(fixture(name)).unwrap();
        let read = |bytes: &[u8]| {
            let file = Checkpoint::from_bytes(Bytes::copy_from_slice(bytes), name)?;
            file.verify()?;
            for tensor in file.tensors.values() {
                tensor.to_f32();
            }
            Ok::<_, CheckpointError>(())
        };
        read(&whole).unwrap();
        for end in 0..whole.len() {
            read(&whole[..end]).expect_err("a truncated file is an error");
        }
        let mut changed = whole.clone();
        for at in 0..whole.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                changed[at] ^= flip;
                read(&changed).ok();
                changed[at] = whole[at];
            }
        }
    }
}
