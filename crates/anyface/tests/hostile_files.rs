//! Damaged and hostile checkpoints: whatever the bytes, an answer comes soon, in little memory, and never as a panic.
//!
//! Files of every container are mutated at random, by seed. The short run is part of the tests; the long one is for
//! changes to the readers: `cargo test --release -p anyface --test hostile_files -- --ignored`.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyface::weights::{Checkpoint, convert};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The most memory for a file of a few kilobytes.
const MEMORY: usize = 64 << 20;

/// The longest time for one.
const TIME: Duration = Duration::from_secs(5);

/// Small files, one of each container at least.
const SEEDS: [&str; 9] = [
    "archive.pt",
    "zip64.pt",
    "legacy.pth",
    "python2.pth",
    "array.npy",
    "arrays.npz",
    "numpy_p2.pkl",
    "numpy_p4.pkl",
    "numpy_p5.pkl",
];

/// Counts what is allocated.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let allocated = ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(allocated, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the pointer came from `System` by `alloc` above, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[test]
fn mutated_files_are_answered_soon_and_in_little_memory() {
    let seeds = seeds();
    let opened = (0..20_000).filter(|&seed| attack(&seeds, seed)).count();
    // Some changes must get past the first bytes, or nothing was tried.
    assert!(opened > 1000, "{opened} files opened");
}

#[test]
#[ignore = "ten minutes"]
fn mutated_files_are_answered_for_ten_minutes() {
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints");
    let read = |name: &&str| std::fs::read(folder.join(name));
    let mut seeds: Vec<Vec<u8>> = SEEDS.iter().map(|name| read(name).unwrap()).collect();
    // The beginnings of large files hold what is parsed; the first storage of a pickle ends them early.
    for name in [
        "nvidia_skip_clamp256_p4.pkl",
        "yunet.onnx",
        "clip_tiny_hf.safetensors",
    ] {
        let whole = read(&name).unwrap();
        seeds.push(whole[..whole.len().min(16_384)].to_vec());
    }
    seeds
}

/// Reads one mutated file as `anyface convert` does; says whether it could be opened.
fn attack(seeds: &[Vec<u8>], seed: u64) -> bool {
    let file = mutated(seeds, &mut ChaCha8Rng::seed_from_u64(seed));
    let start = Instant::now();
    let before = ALLOCATED.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let checkpoint = Checkpoint::from_bytes(file.into(), "file");
    if let Ok(checkpoint) = &checkpoint {
        convert(checkpoint).ok();
    }
    let peak = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    assert!(peak <= MEMORY, "seed {seed}: {peak} bytes");
    assert!(
        start.elapsed() <= TIME,
        "seed {seed}: {:?}",
        start.elapsed()
    );
    checkpoint.is_ok()
}

/// A file with up to eight changes: bits, numbers, parts cut out, doubled, or taken from another file.
fn mutated(seeds: &[Vec<u8>], rng: &mut impl Rng) -> Vec<u8> {
    const NUMBERS: [u64; 6] = [0, 1, 0x7f, 0xff, u32::MAX as u64, u64::MAX];
    let mut file = seeds[rng.random_range(0..seeds.len())].clone();
    for _ in 0..rng.random_range(1..=8) {
        if file.is_empty() {
            break;
        }
        let at = rng.random_range(0..file.len());
        let length = rng.random_range(1..=64).min(file.len() - at);
        match rng.random_range(0..6) {
            0 => file[at] ^= 1 << rng.random_range(0..8),
            1 => file[at] = rng.random(),
            2 => {
                let number = NUMBERS[rng.random_range(0..NUMBERS.len())].to_le_bytes();
                let width = [1, 2, 4, 8][rng.random_range(0..4)].min(file.len() - at);
                file[at..at + width].copy_from_slice(&number[..width]);
            }
            3 => drop(file.drain(at..at + length)),
            4 => {
                let part = file[at..at + length].to_vec();
                let times = rng.random_range(1..=50);
                file.splice(at..at, part.repeat(times));
            }
            _ => {
                let other = &seeds[rng.random_range(0..seeds.len())];
                let from = rng.random_range(0..other.len());
                let part = other[from..(from + length).min(other.len())].to_vec();
                file.splice(at..at, part);
            }
        }
    }
    file
}
