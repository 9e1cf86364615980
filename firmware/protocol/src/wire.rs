//! Reading and writing little-endian bytes without a panic.

use crate::error::{DecodeError, Fault};
use crate::MAX_INPUT;

type Read<T> = Result<T, DecodeError>;

/// Refuse what is empty, too long, of another kind, or shorter than `size`, in this order.
pub(crate) fn open(data: &[u8], kind: u8, size: usize) -> Read<()> {
    check_size(data)?;
    if data.first() != Some(&kind) {
        return Err(DecodeError::new(Fault::Kind, 0));
    }
    need(data, size)
}

pub(crate) fn check_size(data: &[u8]) -> Read<()> {
    if data.is_empty() {
        return Err(DecodeError::new(Fault::Empty, 0));
    }
    if data.len() > MAX_INPUT {
        return Err(DecodeError::new(Fault::TooLong, MAX_INPUT));
    }
    Ok(())
}

pub(crate) fn need(data: &[u8], size: usize) -> Read<()> {
    if data.len() < size {
        return Err(DecodeError::new(Fault::Short, data.len()));
    }
    Ok(())
}

pub(crate) fn cap(count: usize, most: usize, offset: usize) -> Read<()> {
    if count > most {
        return Err(DecodeError::new(Fault::Cap, offset));
    }
    Ok(())
}

pub(crate) const fn value<T>(offset: usize) -> Read<T> {
    Err(DecodeError::new(Fault::Value, offset))
}

/// `N` bytes at `at`.
pub(crate) fn bytes<const N: usize>(data: &[u8], at: usize) -> Read<[u8; N]> {
    data.get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or(DecodeError::new(Fault::Short, data.len()))
}

pub(crate) fn slice(data: &[u8], at: usize, n: usize) -> Read<&[u8]> {
    data.get(at..)
        .and_then(|rest| rest.get(..n))
        .ok_or(DecodeError::new(Fault::Short, data.len()))
}

macro_rules! readers {
    ($($name:ident: $type:ty),*) => {$(
        pub(crate) fn $name(data: &[u8], at: usize) -> Read<$type> {
            Ok(<$type>::from_le_bytes(bytes(data, at)?))
        }
    )*};
}

readers!(u8_at: u8, u16_at: u16, u32_at: u32, u64_at: u64, i16_at: i16, i64_at: i64, f32_at: f32);

/// Writes one field after the other; remembers when the buffer was too small.
pub(crate) struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
    fits: bool,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Self {
            out,
            at: 0,
            fits: true,
        }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        match self
            .out
            .get_mut(self.at..)
            .and_then(|rest| rest.get_mut(..bytes.len()))
        {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.fits = false,
        }
        self
    }

    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn i16(&mut self, value: i16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn i64(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn f32(&mut self, value: f32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }

    /// Bytes written, `None` where they did not all fit.
    pub(crate) fn finish(&self) -> Option<usize> {
        self.fits.then_some(self.at)
    }
}
