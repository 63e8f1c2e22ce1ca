//! Scratch memory that is kept between calls: fresh pages cost more than many of the kernels.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// One cache line, so that buffers are aligned to 64 bytes.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([f32; 16]);

static POOL: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// A scratch buffer, returned to the pool when dropped.
pub(crate) struct Scratch {
    lines: Vec<Line>,
    len: usize,
}

/// A buffer of `len` floats of unspecified content.
pub(crate) fn scratch(len: usize) -> Scratch {
    let wanted = len.div_ceil(16);
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    let fitting = (0..pool.len())
        .filter(|&i| pool[i].len() >= wanted)
        .min_by_key(|&i| pool[i].len());
    // Where none fits, the largest gives way: the pool never holds more buffers than were in use at once.
    let lines = match fitting.or_else(|| (0..pool.len()).max_by_key(|&i| pool[i].len())) {
        Some(index) => pool.swap_remove(index),
        None => Vec::new(),
    };
    drop(pool);
    let lines = if lines.len() >= wanted {
        lines
    } else {
        vec![Line([0.0; 16]); wanted]
    };
    Scratch { lines, len }
}

impl Deref for Scratch {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.push(std::mem::take(&mut self.lines));
    }
}
