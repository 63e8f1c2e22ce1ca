//! Division of images into groups of tiles that are computed together.

use std::ops::Range;

use super::{TILE, UP_REACH};
use crate::features::Order;

/// Smallest number of tiles per strip, so that weights are read rarely.
const TILES: usize = 64;

/// Target of tiles times channels for larger strips: the transformed tiles stay in the L2 cache.
/// Larger strips read fewer rows twice.
const TILE_CHANNELS: usize = 4096;

/// Smallest number of tile rows per segment, so that few are computed twice.
const SEGMENT: usize = 16;

/// Output channels that are computed together: two blocks of 16.
pub(crate) const PAIR: usize = 32;

/// The division of a batch of images into [`Strip`]s: rows of tiles of one image, or several whole
/// small images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strips {
    batch: usize,
    height: usize,
    width: usize,
    /// Images per strip.
    images: usize,
    /// Rows of tiles per strip.
    tile_rows: usize,
    /// Input rows beyond a tile that belong to it.
    reach: usize,
}

/// Tiles that are computed together.
#[derive(Debug, Clone)]
pub(crate) struct Strip {
    /// Indices in the batch.
    pub(crate) images: Range<usize>,
    /// Rows of pixels in every image.
    pub(crate) rows: Range<usize>,
    /// `rows` plus the neighbouring rows within reach of the kernel.
    pub(crate) halo: Range<usize>,
    /// Pixels per row.
    pub(crate) width: usize,
}

/// Strips of an image (or of several whole small images) that are computed in order when
/// up-sampling, because contributions to the tiles below are kept.
#[derive(Debug)]
pub(crate) struct Segment {
    /// From top to bottom. If a segment lies above, its last row of tiles comes first.
    pub(crate) strips: Vec<Strip>,
    /// Output rows in every image.
    pub(crate) rows: Range<usize>,
}

impl Strips {
    /// For inputs `[N, channels, H, W]` of a convolution; `channels` is the larger of in and out
    /// channels.
    pub(crate) fn new(up: bool, [batch, channels, height, width]: [usize; 4]) -> Strips {
        let tiles = TILES.max(TILE_CHANNELS / channels) / if up { 2 } else { 1 };
        let [rows, columns] = [height, width].map(|size| size.div_ceil(TILE));
        Strips {
            batch,
            height,
            width,
            images: (tiles / (rows * columns)).clamp(1, batch),
            tile_rows: (tiles / columns).clamp(1, rows),
            reach: if up { 0 } else { 1 },
        }
    }

    /// Rows of pixels per strip.
    fn rows(&self) -> usize {
        self.tile_rows * TILE
    }

    /// Strips per image, or per group of images.
    fn per_image(&self) -> usize {
        self.height.div_ceil(self.rows())
    }

    /// All strips, image by image, from top to bottom.
    pub(crate) fn all(&self) -> impl Iterator<Item = Strip> {
        let Strips {
            batch,
            height,
            width,
            images,
            reach,
            ..
        } = *self;
        let rows = self.rows();
        (0..batch).step_by(images).flat_map(move |image| {
            (0..height).step_by(rows).map(move |row| Strip {
                images: image..(image + images).min(batch),
                rows: row..(row + rows).min(height),
                halo: row.saturating_sub(reach)..(row + rows + reach).min(height),
                width,
            })
        })
    }

    /// All strips in segments, image by image, from top to bottom.
    pub(crate) fn segments(&self) -> Vec<Segment> {
        let strips: Vec<Strip> = self.all().collect();
        let tile_rows = self.height.div_ceil(TILE);
        let per_segment = self.per_image().div_ceil((tile_rows / SEGMENT).max(1));
        let segments = strips
            .chunks(self.per_image())
            .flat_map(|strips| strips.chunks(per_segment));
        let last = |rows: &Range<usize>| rows.end == self.height;
        segments
            .map(|strips| {
                let (first, end) = (&strips[0], &strips[strips.len() - 1].rows);
                let above = first.rows.start.saturating_sub(TILE)..first.rows.start;
                let again = (!above.is_empty()).then(|| Strip {
                    halo: above.clone(),
                    rows: above.clone(),
                    ..first.clone()
                });
                let bottom = 2 * end.end - if last(end) { 0 } else { UP_REACH };
                Segment {
                    strips: again.into_iter().chain(strips.iter().cloned()).collect(),
                    rows: (2 * above.end).saturating_sub(UP_REACH)..bottom,
                }
            })
            .collect()
    }

    /// Splits features by strip and by 32 channels; each part holds rows `[image][line]`.
    pub(crate) fn divide<'a>(
        &self,
        features: &'a mut [f32],
        channels: usize,
        order: Order,
    ) -> Vec<Vec<&'a mut [f32]>> {
        let (pairs, lines) = (channels.div_ceil(PAIR), order.lines(channels));
        let strips = self.batch.div_ceil(self.images) * self.per_image();
        let mut parts: Vec<_> = (0..strips * pairs)
            .map(|_| Vec::with_capacity(self.images * PAIR / order.lanes()))
            .collect();
        let row = self.width * order.lanes();
        for (index, line) in features.chunks_mut(self.height * row).enumerate() {
            let (image, channel) = (index / lines, index % lines * order.lanes());
            for (part, rows) in line.chunks_mut(self.rows() * row).enumerate() {
                let strip = image / self.images * self.per_image() + part;
                parts[strip * pairs + channel / PAIR].push(rows);
            }
        }
        parts
    }
}

impl Strip {
    /// This strip in images of twice the size; the halo covers all pixels to which its tiles
    /// contribute. `height` is the height of the small images.
    pub(crate) fn doubled(&self, height: usize) -> Strip {
        let rows = 2 * self.rows.start..2 * self.rows.end;
        Strip {
            images: self.images.clone(),
            halo: rows.start.saturating_sub(UP_REACH)..(rows.end + UP_REACH).min(2 * height),
            rows,
            width: 2 * self.width,
        }
    }

    /// Number of tiles in all images.
    pub(crate) fn tiles(&self) -> usize {
        self.images.len() * self.tile_rows() * self.tile_columns()
    }

    pub(super) fn tile_rows(&self) -> usize {
        self.rows.len().div_ceil(TILE)
    }

    pub(super) fn tile_columns(&self) -> usize {
        self.width.div_ceil(TILE)
    }

    /// Pixels in the rows of one image.
    pub(crate) fn pixels(&self) -> usize {
        self.rows.len() * self.width
    }

    /// Pixels in the halo of one image.
    pub(crate) fn halo_pixels(&self) -> usize {
        self.halo.len() * self.width
    }
}
