//! Shared by tests of damaged and hostile files: mutations, and measurement of memory and time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

/// Counts allocated bytes.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on to the system's allocator; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let allocated = ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(allocated, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the pointer came from `System.alloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Memory and time of a call.
#[derive(Debug)]
pub(crate) struct Cost {
    /// Peak of bytes in use, minus the bytes in use before.
    pub(crate) memory: usize,
    /// Duration.
    pub(crate) time: Duration,
}

/// Calls `action` and measures it. Tests that run at the same time are counted too.
pub(crate) fn measured<T>(action: impl FnOnce() -> T) -> (T, Cost) {
    let start = Instant::now();
    let before = ALLOCATED.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = action();
    let cost = Cost {
        memory: PEAK.load(Ordering::Relaxed).saturating_sub(before),
        time: start.elapsed(),
    };
    (result, cost)
}

/// A file with up to eight mutations: flipped bits, special numbers, and parts removed, duplicated,
/// or taken from another file.
pub(crate) fn mutated(seeds: &[Vec<u8>], rng: &mut impl Rng) -> Vec<u8> {
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
