//! Files of the host by semihosting. `flash.bin` is NOR flash: what is written is in the file before the write returns.

use core::ffi::CStr;

use cortex_m_semihosting::syscall;
use embedded_storage_async::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use evenstride_app::{Layout, PAGE};

const READ: usize = 1; // "rb"
const READ_WRITE: usize = 3; // "r+b"
const FAILED: usize = usize::MAX;

pub struct File {
    handle: usize,
}

#[derive(Debug)]
pub struct Refused;

impl NorFlashError for Refused {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl File {
    /// The file must be there, 2 MB long.
    pub fn flash() -> Option<Self> {
        Self::open(c"flash.bin", READ_WRITE)
    }

    /// None where there is none.
    pub fn recording() -> Option<Self> {
        Self::open(c"recording.bin", READ)
    }

    fn open(name: &CStr, mode: usize) -> Option<Self> {
        // SAFETY: name and its length, as semihosting wants them.
        let handle = unsafe { syscall!(OPEN, name.as_ptr(), mode, name.count_bytes()) };
        (handle != FAILED).then_some(Self { handle })
    }

    /// False where the file does not reach so far.
    pub fn fill(&self, from: u32, to: &mut [u8]) -> bool {
        self.get(from, to).is_ok()
    }

    fn seek(&self, to: u32) -> Result<(), Refused> {
        // SAFETY: plain numbers.
        match unsafe { syscall!(SEEK, self.handle, to as usize) } {
            0 => Ok(()),
            _ => Err(Refused),
        }
    }

    fn put(&self, to: u32, bytes: &[u8]) -> Result<(), Refused> {
        self.seek(to)?;
        // SAFETY: the bytes live as long as the call.
        match unsafe { syscall!(WRITE, self.handle, bytes.as_ptr(), bytes.len()) } {
            0 => Ok(()),
            _ => Err(Refused),
        }
    }

    fn get(&self, from: u32, to: &mut [u8]) -> Result<(), Refused> {
        self.seek(from)?;
        // SAFETY: the room lives as long as the call, and nobody else sees it.
        match unsafe { syscall!(READ, self.handle, to.as_mut_ptr(), to.len()) } {
            0 => Ok(()),
            _ => Err(Refused),
        }
    }
}

impl ErrorType for File {
    type Error = Refused;
}

impl ReadNorFlash for File {
    const READ_SIZE: usize = 4;

    async fn read(&mut self, from: u32, to: &mut [u8]) -> Result<(), Refused> {
        self.get(from, to)
    }

    fn capacity(&self) -> usize {
        Layout::BYTES as usize
    }
}

impl NorFlash for File {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Refused> {
        for page in (from..to).step_by(Self::ERASE_SIZE) {
            self.put(page, &[0xFF; Self::ERASE_SIZE])?;
        }
        Ok(())
    }

    async fn write(&mut self, to: u32, bytes: &[u8]) -> Result<(), Refused> {
        let mut piece = [0; 256];
        for (k, part) in bytes.chunks(piece.len()).enumerate() {
            let at = to + (k * piece.len()) as u32;
            let held = &mut piece[..part.len()];
            self.get(at, held)?;
            for (old, new) in held.iter_mut().zip(part) {
                *old &= new;
            }
            self.put(at, held)?;
        }
        Ok(())
    }
}

impl MultiwriteNorFlash for File {}
