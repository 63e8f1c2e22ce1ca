//! Scratch memory that is reused between calls, because fresh pages cost more than many kernels.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use memmap2::MmapMut;

/// The buffers that are not in use.
static POOL: Mutex<Vec<MmapMut>> = Mutex::new(Vec::new());

/// A buffer of floats that returns to a pool when dropped.
#[derive(Debug)]
pub struct Scratch {
    /// Whole pages; `None` only while dropping.
    pages: Option<MmapMut>,
    len: usize,
}

/// A buffer of `len` floats with unspecified content.
pub fn scratch(len: usize) -> Scratch {
    let wanted = len.max(1) * size_of::<f32>();
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let fitting = (0..pool.len())
        .filter(|&i| pool[i].len() >= wanted)
        .min_by_key(|&i| pool[i].len());
    // If none fits, the largest is freed: the pool never holds more buffers than were in use at
    // once.
    let kept = fitting
        .or_else(|| (0..pool.len()).max_by_key(|&i| pool[i].len()))
        .map(|index| pool.swap_remove(index));
    drop(pool);
    let pages = kept
        .filter(|pages| pages.len() >= wanted)
        .unwrap_or_else(|| map(wanted));
    Scratch {
        pages: Some(pages),
        len,
    }
}

/// Maps fresh pages, huge ones where the system has them. The planes of a feature lie megabytes
/// apart, so small pages would cause frequent TLB misses.
fn map(bytes: usize) -> MmapMut {
    let pages = MmapMut::map_anon(bytes).expect("memory for scratch buffers");
    #[cfg(all(target_os = "linux", not(miri)))]
    // If huge pages are not supported, small pages work too.
    pages.advise(memmap2::Advice::HugePage).ok();
    pages
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        let pages = self.pages.as_deref().expect("present until dropped");
        bytemuck::cast_slice(&pages[..self.len * size_of::<f32>()])
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        let pages = self.pages.as_deref_mut().expect("present until dropped");
        bytemuck::cast_slice_mut(&mut pages[..self.len * size_of::<f32>()])
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.extend(self.pages.take());
    }
}
