//! A file with the manners of NOR flash: erase sets pages, a write only clears bits, and the power may go at any byte.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use evenstride_app::{Layout, PAGE};

use crate::options::Options;

/// Every byte written is in the file when `write` returns: a killed process is a pod whose battery fell out.
pub struct FileFlash {
    bytes: Vec<u8>,
    file: Option<File>,
    written: u64,
    cut_after: Option<u64>,
    fail_after: Option<u64>,
    hang_after: Option<u64>,
}

/// Why flash refuses.
#[derive(Debug)]
pub enum Refused {
    Bounds,
    Fault,
    File,
}

impl NorFlashError for Refused {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Bounds => NorFlashErrorKind::OutOfBounds,
            _ => NorFlashErrorKind::Other,
        }
    }
}

impl FileFlash {
    /// The flash in `path`, blank when there is none yet; without a path it lives as long as the process.
    pub fn open(path: Option<&Path>) -> io::Result<Self> {
        let size = Layout::BYTES as usize;
        let (mut bytes, mut file) = (vec![0xFF; size], None);
        if let Some(path) = path {
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            match opened.metadata()?.len() {
                0 => opened.write_all_at(&bytes, 0)?,
                n if n == size as u64 => opened.read_exact_at(&mut bytes, 0)?,
                n => {
                    let what = format!("{n} bytes are no flash of {size}");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
            file = Some(opened);
        }
        Ok(Self {
            bytes,
            file,
            written: 0,
            cut_after: None,
            fail_after: None,
            hang_after: None,
        })
    }

    /// Faults, in bytes written from now on: the power goes, flash refuses, or never answers.
    pub fn with_faults(mut self, options: &Options) -> Self {
        self.cut_after = options.cut_after;
        self.fail_after = options.fail_after;
        self.hang_after = options.hang_after;
        self
    }

    fn range(&self, from: u32, n: usize, unit: usize) -> Result<std::ops::Range<usize>, Refused> {
        let from = from as usize;
        if from % unit != 0 || n % unit != 0 || from + n > self.bytes.len() {
            return Err(Refused::Bounds);
        }
        Ok(from..from + n)
    }

    fn save(&self, range: std::ops::Range<usize>) -> Result<(), Refused> {
        match &self.file {
            Some(file) => file
                .write_all_at(&self.bytes[range.clone()], range.start as u64)
                .map_err(|_| Refused::File),
            None => Ok(()),
        }
    }
}

impl ErrorType for FileFlash {
    type Error = Refused;
}

impl ReadNorFlash for FileFlash {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, from: u32, to: &mut [u8]) -> Result<(), Refused> {
        let range = self.range(from, to.len(), Self::READ_SIZE)?;
        to.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for FileFlash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Refused> {
        let n = to.checked_sub(from).ok_or(Refused::Bounds)? as usize;
        let range = self.range(from, n, Self::ERASE_SIZE)?;
        if self.fail_after == Some(0) {
            return Err(Refused::Fault);
        }
        self.bytes[range.clone()].fill(0xFF);
        self.save(range)
    }

    async fn write(&mut self, to: u32, bytes: &[u8]) -> Result<(), Refused> {
        let range = self.range(to, bytes.len(), Self::WRITE_SIZE)?;
        let left = |limit: Option<u64>| limit.map(|n| n.saturating_sub(self.written));
        if left(self.fail_after).is_some_and(|left| left < bytes.len() as u64) {
            self.fail_after = Some(0); // for ever
            return Err(Refused::Fault);
        }
        if left(self.hang_after).is_some_and(|left| left < bytes.len() as u64) {
            std::future::pending::<()>().await;
        }
        let cut = left(self.cut_after).filter(|&left| left < bytes.len() as u64);
        let n = cut.map_or(bytes.len(), |left| left as usize);
        for (at, byte) in range.clone().zip(&bytes[..n]) {
            self.bytes[at] &= byte;
        }
        self.written += n as u64;
        self.save(range)?;
        if cut.is_some() {
            std::process::abort();
        }
        Ok(())
    }
}

impl MultiwriteNorFlash for FileFlash {}
