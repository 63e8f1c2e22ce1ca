//! A memory-mapped file of rendered portraits.
//!
//! ```text
//! header  64 bytes   magic, length of a latent, size of an image, seed; the rest 0
//! record  i = 0, 1…  z [LATENT_DIM] f32, then RGB u8 [size, size, 3]
//! ```
//! Numbers are in native byte order. Portrait `i` depends only on the seed and `i`, so a truncated
//! cache is completed by appending.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyface_portraits::latent::{LATENT_DIM, sample, steer};
use anyface_portraits::{Attribute, CODE_DIM, Face, render};
use burn::tensor::{Device, Tensor, TensorData};
use bytemuck::{Pod, Zeroable};
use memmap2::Mmap;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Deserialize;

use super::images::tensor;
use crate::bounds;
use crate::error::{Result, TrainError};
use crate::progress::Progress;

/// The `[portraits]` table: contents of the cache.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortraitsConfig {
    /// Path of the cache file.
    pub cache: PathBuf,
    /// Number of portraits.
    #[serde(deserialize_with = "bounds::positive")]
    pub count: usize,
    /// Side in pixels.
    #[serde(deserialize_with = "bounds::side")]
    pub size: u32,
    /// Seed of the latents.
    pub seed: u64,
}

/// Portraits rendered between two writes.
const CHUNK: usize = 256;

#[derive(Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Header {
    magic: [u8; 8],
    latent_dim: u32,
    size: u32,
    seed: u64,
    reserved: [u64; 5],
}

const MAGIC: [u8; 8] = *b"anyfport";
const HEADER_LEN: usize = size_of::<Header>();
const LATENT_LEN: usize = LATENT_DIM * size_of::<f32>();

impl Header {
    fn new(config: &PortraitsConfig) -> Self {
        Self {
            magic: MAGIC,
            latent_dim: LATENT_DIM as u32,
            size: config.size,
            seed: config.seed,
            reserved: [0; 5],
        }
    }

    fn record_len(&self) -> usize {
        LATENT_LEN + (self.size * self.size * 3) as usize
    }
}

/// Portraits and the latents they were rendered from.
pub struct PortraitCache {
    map: Mmap,
    header: Header,
    len: usize,
}

impl PortraitCache {
    /// Opens a cache made by [`build_cache`].
    ///
    /// # Errors
    /// The file cannot be read, or is not a cache of latents of length [`LATENT_DIM`].
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(TrainError::io(path))?;
        // SAFETY: a cache only grows, by whole records, and no other code writes to it.
        let map = unsafe { Mmap::map(&file) }.map_err(TrainError::io(path))?;
        let header = map
            .get(..HEADER_LEN)
            .map(bytemuck::pod_read_unaligned::<Header>)
            .filter(|header| header.magic == MAGIC && header.latent_dim == LATENT_DIM as u32)
            .ok_or_else(|| TrainError::Damaged {
                path: path.to_owned(),
                message: "is not a portrait cache with latents of this version".to_owned(),
            })?;
        let len = (map.len() - HEADER_LEN) / header.record_len();
        Ok(Self { map, header, len })
    }

    /// Number of portraits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no portraits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Side of the images in pixels, R.
    pub fn size(&self) -> usize {
        self.header.size as usize
    }

    /// The latent of portrait `index`.
    pub fn latent(&self, index: usize) -> &[f32; LATENT_DIM] {
        bytemuck::cast_slice(&self.record(index)[..LATENT_LEN])
            .try_into()
            .expect("a record starts with one latent")
    }

    /// Portraits in [−1, 1]: `[N, 3, R, R]`.
    pub fn images(&self, indices: &[usize], device: &Device) -> Tensor<4> {
        let pictures = indices.iter().map(|&index| self.pixels(index));
        tensor(pictures, self.size(), device)
    }

    /// RGB, `[R, R, 3]`.
    fn pixels(&self, index: usize) -> &[u8] {
        &self.record(index)[LATENT_LEN..]
    }

    fn record(&self, index: usize) -> &[u8] {
        let len = self.header.record_len();
        &self.map[HEADER_LEN + index * len..][..len]
    }
}

/// Codes of the faces of latents: `[N, CODE_DIM]`. They are the `z` of the generator.
pub(crate) fn codes(latents: &[[f32; LATENT_DIM]], device: &Device) -> Tensor<2> {
    let codes: Vec<f32> = latents
        .iter()
        .flat_map(|z| Face::from_latent(z).code())
        .collect();
    Tensor::from_data(TensorData::new(codes, [latents.len(), CODE_DIM]), device)
}

/// Renders the missing portraits in parallel, with progress. Creates the file if needed. The next
/// call completes a cache that was interrupted.
///
/// # Errors
/// The file cannot be written, or its size, seed or renderer version differs.
pub fn build_cache(config: &PortraitsConfig) -> Result<()> {
    fill(config, |z| {
        render(&Face::from_latent(z), config.size).into_raw()
    })
}

/// The latent of portrait `index`. Every second one is steered to show one or two attributes drawn
/// uniformly, so that rare attributes occur often enough in training.
pub(crate) fn latent(seed: u64, index: usize) -> [f32; LATENT_DIM] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index as u64);
    let z = sample(&mut rng);
    let count = [0, 0, 1, 2][index % 4];
    let wanted: Vec<(Attribute, bool)> = Attribute::ALL
        .sample(&mut rng, count)
        .map(|&attribute| (attribute, true))
        .collect();
    steer(&z, &wanted, &mut rng).unwrap_or(z)
}

/// Appends the missing records.
fn fill(
    config: &PortraitsConfig,
    draw: impl Fn(&[f32; LATENT_DIM]) -> Vec<u8> + Sync,
) -> Result<()> {
    let path = &config.cache;
    let header = Header::new(config);
    let record = |index: usize| {
        let z = latent(config.seed, index);
        let mut bytes = bytemuck::cast_slice(&z).to_vec();
        bytes.extend(draw(&z));
        bytes
    };
    let (mut file, present) = open_file(config, &header, &record(0))?;
    if present >= config.count {
        return Ok(());
    }
    let mut progress = Progress::new(present as u64, config.count as u64);
    for start in (present..config.count).step_by(CHUNK) {
        let end = (start + CHUNK).min(config.count);
        let records: Vec<Vec<u8>> = (start..end).into_par_iter().map(record).collect();
        file.write_all(&records.concat())
            .map_err(TrainError::io(path))?;
        progress.show(end as u64, "portraits rendered");
    }
    file.sync_all().map_err(TrainError::io(path))
}

/// Opens the file and returns it with its number of whole records. If records are missing, the
/// position is after the last whole one.
fn open_file(
    config: &PortraitsConfig,
    header: &Header,
    first_record: &[u8],
) -> Result<(File, usize)> {
    let path = &config.cache;
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(TrainError::io(directory))?;
    }
    let open = || -> std::io::Result<Option<(File, usize)>> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        let len = file.metadata()?.len() as usize;
        if len < HEADER_LEN {
            file.set_len(0)?;
            file.write_all(bytemuck::bytes_of(header))?;
            return Ok(Some((file, 0)));
        }
        let mut start = vec![0; len.min(HEADER_LEN + first_record.len())];
        file.read_exact(&mut start)?;
        let records = (len - HEADER_LEN) / first_record.len();
        let is_same_header = start[..HEADER_LEN] == *bytemuck::bytes_of(header);
        let is_same_portrait = records == 0 || start[HEADER_LEN..] == *first_record;
        if !(is_same_header && is_same_portrait) {
            return Ok(None);
        }
        if records < config.count {
            let end = (HEADER_LEN + records * first_record.len()) as u64;
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
        }
        Ok(Some((file, records)))
    };
    open()
        .map_err(TrainError::io(path))?
        .ok_or_else(|| TrainError::Damaged {
            path: path.to_owned(),
            message: "is not a portrait cache of this seed, size and renderer version; \
                      delete it or choose another `cache`"
                .to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(directory: &Path) -> PortraitsConfig {
        PortraitsConfig {
            cache: directory.join("cache"),
            count: 12,
            size: 4,
            seed: 3,
        }
    }

    /// A fast drawing of a latent.
    fn draw(z: &[f32; LATENT_DIM]) -> Vec<u8> {
        (0..48).map(|i| (z[i] * 50.0) as u8).collect()
    }

    #[test]
    fn a_truncated_cache_is_completed() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path());
        fill(&config, draw).expect("a cache");
        let whole = std::fs::read(&config.cache).expect("a file");
        std::fs::write(&config.cache, &whole[..whole.len() / 2]).expect("written");
        fill(&config, draw).expect("a cache");
        assert_eq!(std::fs::read(&config.cache).expect("a file"), whole);
    }

    #[test]
    fn portraits_are_read_as_written() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path());
        fill(&config, draw).expect("a cache");
        let cache = PortraitCache::open(&config.cache).expect("a cache");
        assert_eq!(cache.len(), 12);
        let pixels = draw(cache.latent(11));
        assert_eq!(cache.pixels(11), pixels);
        let images = cache.images(&[2, 11], &Device::flex());
        assert_eq!(images.dims(), [2, 3, 4, 4]);
        // Blue of the second pixel in the third row.
        let blue = images.slice([1..2, 2..3, 2..3, 1..2]).into_scalar::<f32>();
        assert_eq!(blue, f32::from(pixels[(2 * 4 + 1) * 3 + 2]) / 127.5 - 1.0);
    }

    #[test]
    fn a_cache_of_another_renderer_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path());
        fill(&config, draw).expect("a cache");
        let other = |z: &[f32; LATENT_DIM]| draw(z).iter().map(|p| p ^ 1).collect();
        let error = fill(&config, other).expect_err("a cache of another renderer is an error");
        assert!(error.to_string().contains("renderer"), "{error}");
    }
}
