//! Scratch memory that is kept between calls: fresh pages cost more than many of the kernels.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use memmap2::MmapMut;

static POOL: Mutex<Vec<MmapMut>> = Mutex::new(Vec::new());

/// A buffer of floats, returned to a pool when dropped.
#[derive(Debug)]
pub struct Scratch {
    /// Whole pages; there until dropped.
    pages: Option<MmapMut>,
    len: usize,
}

/// A buffer of `len` floats of unspecified content.
pub fn scratch(len: usize) -> Scratch {
    let wanted = len.max(1) * size_of::<f32>();
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let fitting = (0..pool.len())
        .filter(|&i| pool[i].len() >= wanted)
        .min_by_key(|&i| pool[i].len());
    // Where none fits, the largest gives way: the pool never holds more buffers than were in use at once.
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

/// Fresh pages, large ones where the system has them: the planes of a feature lie megabytes apart, so that
/// small ones would be looked up again and again.
fn map(bytes: usize) -> MmapMut {
    let pages = MmapMut::map_anon(bytes).expect("memory for scratch buffers");
    #[cfg(all(target_os = "linux", not(miri)))]
    // A kernel without them refuses: small pages do.
    pages.advise(memmap2::Advice::HugePage).ok();
    pages
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        let pages = self.pages.as_deref().expect("there until dropped");
        bytemuck::cast_slice(&pages[..self.len * size_of::<f32>()])
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        let pages = self.pages.as_deref_mut().expect("there until dropped");
        bytemuck::cast_slice_mut(&mut pages[..self.len * size_of::<f32>()])
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.extend(self.pages.take());
    }
}
