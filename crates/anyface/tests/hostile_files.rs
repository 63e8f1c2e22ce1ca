//! Damaged and hostile checkpoints: any bytes are read quickly, in little memory, and without a
//! panic.
//!
//! Files of every container are mutated randomly, by seed. The short run is one of the ordinary
//! tests. The long run is for changes to the readers:
//! `cargo test --release -p anyface --test hostile_files -- --ignored`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod hostile;

use std::path::Path;
use std::time::{Duration, Instant};

use anyface::checkpoint::Checkpoint;
use anyface::convert::convert;
use hostile::{measured, mutated};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The most memory for a file of a few kilobytes.
const MEMORY: usize = 64 << 20;

/// The longest time for one file.
const TIME: Duration = Duration::from_secs(5);

/// Small files, at least one per container.
const SEEDS: [&str; 11] = [
    "archive.pt",
    "zip64.pt",
    "legacy.pth",
    "python2.pth",
    "array.npy",
    "arrays.npz",
    "numpy_p2.pkl",
    "numpy_p4.pkl",
    "numpy_p5.pkl",
    "numpy_p0.pkl",
    "legacy_p1.pth",
];

#[test]
fn mutated_files_are_read_quickly_and_in_little_memory() {
    let seeds = seeds();
    let opened = (0..20_000).filter(|&seed| attack(&seeds, seed)).count();
    // If no mutation gets past the first bytes, nothing was tested.
    assert!(opened > 1000, "{opened} files opened");
}

#[test]
#[ignore = "ten minutes"]
fn mutated_files_are_read_for_ten_minutes() {
    let seeds = seeds();
    let start = Instant::now();
    let mut seed = 1 << 32;
    while start.elapsed() < Duration::from_secs(600) {
        attack(&seeds, seed);
        seed += 1;
    }
    eprintln!("{} files", seed - (1 << 32));
}

fn seeds() -> Vec<Vec<u8>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let containers = crates.join("anyface-checkpoint/tests/fixtures");
    let networks = crates.join("anyface/tests/fixtures/checkpoints");
    let container = |name: &&str| std::fs::read(containers.join(name)).unwrap();
    let mut seeds: Vec<Vec<u8>> = SEEDS.iter().map(container).collect();
    // Only the beginnings of large files are parsed. The first storage of a pickle ends them early.
    for name in [
        "nvidia_skip_clamp256_p4.pkl",
        "yunet.onnx",
        "clip_tiny_hf.safetensors",
    ] {
        let whole = std::fs::read(networks.join(name)).unwrap();
        seeds.push(whole[..whole.len().min(16_384)].to_vec());
    }
    seeds
}

/// Reads one mutated file like `anyface convert`; returns whether it could be opened.
fn attack(seeds: &[Vec<u8>], seed: u64) -> bool {
    let file = mutated(seeds, &mut ChaCha8Rng::seed_from_u64(seed));
    let (opened, cost) = measured(|| {
        let checkpoint = Checkpoint::from_bytes(file.into(), "file");
        if let Ok(checkpoint) = &checkpoint {
            convert(checkpoint).ok();
        }
        checkpoint.is_ok()
    });
    assert!(
        cost.memory <= MEMORY && cost.time <= TIME,
        "seed {seed}: {cost:?}"
    );
    opened
}
