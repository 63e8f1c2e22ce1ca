//! [`StoredTensor`]: a tensor as a file stores it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use half::{bf16, f16};
use safetensors::{Dtype, View};

/// The most bytes of a tensor that repeats its storage (a stride of 0). The storage itself bounds
/// all other tensors.
const MAX_REPEATED: usize = 256 << 20;

/// The most axes of a tensor.
const MAX_RANK: usize = 16;

/// Element type, shape and a view of the file. Elements are read only by [`StoredTensor::data`].
#[derive(Clone)]
pub struct StoredTensor {
    dtype: Dtype,
    shape: Vec<usize>,
    /// Elements between neighbours along each axis.
    strides: Vec<usize>,
    /// Little-endian elements, starting with the tensor's first.
    storage: Bytes,
}

impl StoredTensor {
    /// The tensor of `shape` whose element `i` is element `offset + Σ i·stride` of `storage`.
    ///
    /// # Errors
    /// If the storage holds no such tensor; the message says why.
    pub fn strided(
        dtype: Dtype,
        shape: Vec<usize>,
        strides: Vec<usize>,
        offset: usize,
        storage: &Bytes,
    ) -> Result<Self, String> {
        let size = element_size(dtype)?;
        if shape.len() != strides.len() || shape.len() > MAX_RANK {
            return Err(format!(
                "shape {shape:?} with strides {strides:?} is not a tensor"
            ));
        }
        let outside = || {
            format!(
                "shape {shape:?} with strides {strides:?} from element {offset} leaves its storage \
                 of {} bytes",
                storage.len()
            )
        };
        let bytes = byte_count(&shape, size).ok_or_else(outside)?;
        if bytes == 0 {
            return Ok(Self {
                dtype,
                shape,
                strides,
                storage: Bytes::new(),
            });
        }
        let end = end_of(&shape, &strides, offset)
            .and_then(|end| end.checked_mul(size))
            .filter(|&end| end <= storage.len())
            .ok_or_else(outside)?;
        if bytes > storage.len() && bytes > MAX_REPEATED {
            return Err(format!(
                "shape {shape:?} repeats a storage of {} bytes to {bytes} bytes",
                storage.len()
            ));
        }
        Ok(Self {
            dtype,
            shape,
            strides,
            storage: storage.slice(offset * size..end),
        })
    }

    /// The tensor of `shape` with contiguous elements in `storage`, which may be longer.
    ///
    /// # Errors
    /// See [`Self::strided`].
    pub fn contiguous(dtype: Dtype, shape: Vec<usize>, storage: &Bytes) -> Result<Self, String> {
        let strides = contiguous_strides(&shape);
        Self::strided(dtype, shape, strides, 0, storage)
    }

    /// A tensor of `values` in memory.
    ///
    /// # Panics
    /// If `values` does not have as many elements as `shape`.
    pub fn from_f32(shape: Vec<usize>, values: &[f32]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(values.len(), shape.iter().product::<usize>());
        Self::contiguous(Dtype::F32, shape, &bytes.into()).expect("one value per element")
    }

    /// Element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Shape, outermost axis first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Permutes the axes: axis `i` of the result is axis `axes[i]` of this tensor. Nothing is
    /// copied.
    ///
    /// # Panics
    /// If `axes` is not a permutation of the axes.
    pub fn permuted(&self, axes: &[usize]) -> Self {
        let mut sorted = axes.to_vec();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..self.shape.len()));
        Self {
            dtype: self.dtype,
            shape: axes.iter().map(|&axis| self.shape[axis]).collect(),
            strides: axes.iter().map(|&axis| self.strides[axis]).collect(),
            storage: self.storage.clone(),
        }
    }

    /// The same elements in another shape; `None` if the number of elements differs.
    pub fn reshaped(&self, shape: Vec<usize>) -> Option<Self> {
        let size = self.dtype.bitsize() / 8;
        if byte_count(&shape, size)? != self.len() * size {
            return None;
        }
        let storage = match self.data() {
            Cow::Borrowed(bytes) => self.storage.slice_ref(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        Self::contiguous(self.dtype, shape, &storage).ok()
    }

    /// The slices along the first axis, which they lack. Nothing is copied.
    ///
    /// # Panics
    /// If the tensor has no axis.
    pub fn unstacked(&self) -> Vec<Self> {
        let (shape, strides) = (&self.shape[1..], &self.strides[1..]);
        let part = |i: usize| {
            let offset = i * self.strides[0];
            Self::strided(
                self.dtype,
                shape.to_vec(),
                strides.to_vec(),
                offset,
                &self.storage,
            )
            .expect("a slice lies in its tensor")
        };
        (0..self.shape[0]).map(part).collect()
    }

    /// Concatenates tensors along the first axis; `None` if their element types or other axes
    /// differ.
    pub fn cat(parts: &[&Self]) -> Option<Self> {
        let first = parts.first()?;
        let (_, inner) = first.shape.split_first()?;
        let fits = |part: &&&Self| part.dtype == first.dtype && part.shape.get(1..) == Some(inner);
        if parts.iter().filter(fits).count() != parts.len() {
            return None;
        }
        let rows = parts.iter().map(|part| part.shape[0]).sum();
        let shape = [&[rows], inner].concat();
        let bytes: Vec<Cow<'_, [u8]>> = parts.iter().map(|part| part.data()).collect();
        Self::contiguous(first.dtype, shape, &bytes.concat().into()).ok()
    }

    /// Whether the elements are contiguous.
    fn is_contiguous(&self) -> bool {
        let expected = contiguous_strides(&self.shape);
        (0..self.shape.len())
            .all(|axis| self.shape[axis] == 1 || self.strides[axis] == expected[axis])
    }

    /// The elements in order, little-endian. Contiguous elements are borrowed from the file, others
    /// are copied.
    pub fn data(&self) -> Cow<'_, [u8]> {
        if self.is_empty() || self.is_contiguous() {
            return Cow::Borrowed(&self.storage);
        }
        let size = self.dtype.bitsize() / 8;
        let mut gathered = Vec::with_capacity(self.len() * size);
        let mut index = vec![0; self.shape.len()];
        let mut element = 0;
        loop {
            gathered.extend_from_slice(&self.storage[element * size..][..size]);
            let Some(axis) = (0..index.len())
                .rev()
                .find(|&axis| index[axis] + 1 < self.shape[axis])
            else {
                return Cow::Owned(gathered);
            };
            for (i, stride) in index.iter_mut().zip(&self.strides).skip(axis + 1) {
                element -= std::mem::take(i) * stride;
            }
            index[axis] += 1;
            element += self.strides[axis];
        }
    }

    /// The elements in order as `f32`; `None` if the element type is not a float.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        to_f32(self.dtype, &self.data())
    }
}

/// Little-endian floats of at most 64 bits as `f32`; `None` for other element types.
pub fn to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    fn each<const N: usize>(bytes: &[u8], decode: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        let (elements, _) = bytes.as_chunks::<N>();
        elements.iter().map(|&element| decode(element)).collect()
    }
    match dtype {
        Dtype::F16 => Some(each(bytes, |b| f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => Some(each(bytes, |b| bf16::from_le_bytes(b).to_f32())),
        Dtype::F32 => Some(each(bytes, f32::from_le_bytes)),
        Dtype::F64 => Some(each(bytes, |b| f64::from_le_bytes(b) as f32)),
        _ => None,
    }
}

impl View for &StoredTensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        StoredTensor::data(self)
    }

    fn data_len(&self) -> usize {
        self.len() * self.dtype.bitsize() / 8
    }
}

impl fmt::Debug for StoredTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.dtype, self.shape)
    }
}

/// Equality of element types, shapes and bits.
impl PartialEq for StoredTensor {
    fn eq(&self, other: &Self) -> bool {
        self.dtype == other.dtype && self.shape == other.shape && self.data() == other.data()
    }
}

fn element_size(dtype: Dtype) -> Result<usize, String> {
    match dtype.bitsize() {
        bits if bits % 8 == 0 => Ok(bits / 8),
        _ => Err(format!("elements of type {dtype} are smaller than a byte")),
    }
}

fn byte_count(shape: &[usize], size: usize) -> Option<usize> {
    // An axis of length 0 must not hide an overflow of the other axes.
    let bytes = shape
        .iter()
        .try_fold(size, |bytes, &length| bytes.checked_mul(length.max(1)))
        .filter(|&bytes| bytes <= isize::MAX as usize)?;
    Some(if shape.contains(&0) { 0 } else { bytes })
}

/// One past the last element that a tensor without empty axes reads.
fn end_of(shape: &[usize], strides: &[usize], offset: usize) -> Option<usize> {
    let last = shape
        .iter()
        .zip(strides)
        .try_fold(offset, |last, (length, stride)| {
            last.checked_add((length - 1).checked_mul(*stride)?)
        })?;
    last.checked_add(1)
}

fn contiguous_strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(count: u8) -> Bytes {
        (0..count).collect::<Vec<u8>>().into()
    }

    fn bytes(shape: &[usize], strides: &[usize], offset: usize) -> Result<Vec<u8>, String> {
        let storage = counting(12);
        StoredTensor::strided(
            Dtype::U8,
            shape.to_vec(),
            strides.to_vec(),
            offset,
            &storage,
        )
        .map(|tensor| tensor.data().into_owned())
    }

    #[test]
    fn strides_are_followed() {
        assert_eq!(bytes(&[2, 3], &[3, 1], 1).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(bytes(&[3, 2], &[1, 3], 0).unwrap(), [0, 3, 1, 4, 2, 5]);
        assert_eq!(
            bytes(&[2, 2, 2], &[6, 1, 3], 1).unwrap(),
            [1, 4, 2, 5, 7, 10, 8, 11]
        );
        assert_eq!(bytes(&[2, 2], &[0, 1], 3).unwrap(), [3, 4, 3, 4]);
        assert_eq!(bytes(&[], &[], 11).unwrap(), [11]);
        assert!(bytes(&[0, 9], &[9, 1], 50).unwrap().is_empty());
    }

    #[test]
    fn tensors_outside_their_storage_are_refused() {
        for (shape, strides, offset) in [
            (vec![13], vec![1], 0),
            (vec![12], vec![1], 1),
            (vec![2], vec![usize::MAX], 2),
            (vec![usize::MAX, 3], vec![0, 0], 0),
            (vec![0, usize::MAX, 3], vec![0, 0, 0], 0),
            (vec![1 << 40], vec![0], 0),
            (vec![2], vec![1, 1], 0),
        ] {
            assert!(bytes(&shape, &strides, offset).is_err(), "{shape:?}");
        }
    }

    #[test]
    fn permuting_reshaping_and_joining_keep_the_elements() {
        let tensor = StoredTensor::contiguous(Dtype::U8, vec![2, 3], &counting(6)).unwrap();
        let transposed = tensor.permuted(&[1, 0]);
        assert_eq!(transposed.data().as_ref(), [0, 3, 1, 4, 2, 5]);
        let flat = transposed.reshaped(vec![6, 1]).unwrap();
        assert_eq!(flat.data().as_ref(), [0, 3, 1, 4, 2, 5]);
        assert!(tensor.reshaped(vec![5]).is_none());
        let joined = StoredTensor::cat(&[&tensor, &tensor]).unwrap();
        assert_eq!(joined.shape(), [4, 3]);
        assert_eq!(&joined.data()[4..8], [4, 5, 0, 1]);
        let columns = transposed.unstacked();
        assert_eq!(columns[1].shape(), [2]);
        assert_eq!(columns[1].data().as_ref(), [1, 4]);
        assert!(StoredTensor::cat(&[&tensor, &flat]).is_none());
    }
}
