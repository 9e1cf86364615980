//! What may be wrong with bytes.

/// Why a message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Empty,
    /// Longer than any attribute value.
    TooLong,
    /// Another kind of message than the one asked for.
    Kind,
    /// Shorter than its layout.
    Short,
    /// A field whose value means nothing.
    Value,
    /// A count or length above its cap.
    Cap,
    /// Info of another major version: only its first 16 bytes may be read.
    Major,
    /// A text that is not UTF-8.
    Text,
}

/// A refused message: why, and the offset at which reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    pub fault: Fault,
    pub offset: usize,
}

impl DecodeError {
    pub(crate) const fn new(fault: Fault, offset: usize) -> Self {
        Self { fault, offset }
    }
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let what = match self.fault {
            Fault::Empty => "empty message",
            Fault::TooLong => "message longer than an attribute value",
            Fault::Kind => "another kind of message",
            Fault::Short => "message cut short",
            Fault::Value => "field without meaning",
            Fault::Cap => "count above its cap",
            Fault::Major => "another major version",
            Fault::Text => "text that is not UTF-8",
        };
        write!(f, "{what} at byte {}", self.offset)
    }
}

impl core::error::Error for DecodeError {}
