"""Counts <-> bytes without loss, small because a leg moves smoothly (pure).

Each channel is predicted by the polynomial of order 0 to 4 that fits this batch best (the fixed predictors of FLAC,
RFC 9639 section 9.2.5). The low bits of a residual are noise and are packed as they are; the high bits, one byte each
and scaled alike in all channels, go to the entropy coder. A residual beyond that byte is written in full.
"""

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
_ORDERS = 5
_HIGH = 8.0  # aim at a mean |high part| of this: less costs packed bits, more a wide alphabet (tried 2 to 16)
ESCAPE = -128


def planes(values: npt.NDArray[np.generic]) -> bytes:
    """The bytes of little-endian integers, all first bytes first: small numbers become runs of zeros."""
    return np.ascontiguousarray(values.reshape(-1)).view(np.uint8).reshape(-1, values.itemsize).T.tobytes()


def from_planes(data: bytes, dtype: str) -> Int64s:
    size = np.dtype(dtype).itemsize
    return (
        np.ascontiguousarray(np.frombuffer(data, np.uint8).reshape(size, -1).T).view(dtype).reshape(-1).astype(np.int64)
    )


def pack_counts(counts: npt.NDArray[np.int16]) -> tuple[bytes, bytes]:
    """counts (n, channels) -> (bytes worth compressing, bytes that are noise)."""
    parameters: list[int] = []
    high_parts: list[Int64s] = []
    noise: list[bytes] = []
    for channel in counts.T.astype(np.int64):
        order, residual = _predicted(channel)
        mean = float(np.abs(residual[order:]).mean()) if len(residual) > order else 0.0
        shift = max(0, int(np.log2(max(mean, 1.0) / _HIGH)))
        parameters += [order, shift]
        high_parts.append(residual >> shift)
        bits = (residual[:, None] >> np.arange(shift)) & 1
        noise.append(np.packbits(bits.astype(np.uint8)).tobytes())
    high = np.concatenate(high_parts) if high_parts else np.empty(0, np.int64)
    escaped = (high <= ESCAPE) | (high > 127)
    full = high[escaped].astype("<i4")
    symbols = np.where(escaped, ESCAPE, high).astype(np.int8)
    head = bytes(parameters) + len(full).to_bytes(4, "little")
    return head + planes(full) + symbols.tobytes(), b"".join(noise)


def unpack_counts(coded: bytes, noise: bytes, n: int, channels: int) -> npt.NDArray[np.int16]:
    """What `pack_counts` was given. Raises ValueError when the bytes do not fit together."""
    parameters = coded[: 2 * channels]
    at = 2 * channels + 4
    n_full = int.from_bytes(coded[2 * channels : at], "little")
    if len(coded) != at + 4 * n_full + n * channels:
        raise ValueError("coded counts of another length")
    symbols = np.frombuffer(coded[at + 4 * n_full :], np.int8).astype(np.int64)
    escaped = symbols == ESCAPE
    symbols[escaped] = from_planes(coded[at : at + 4 * n_full], "<i4")
    counts = np.empty((n, channels), np.int16)
    begin = 0
    for c, high in enumerate(symbols.reshape(channels, n)):
        order, shift = parameters[2 * c], parameters[2 * c + 1]
        end = begin + (n * shift + 7) // 8
        bits = np.unpackbits(np.frombuffer(noise[begin:end], np.uint8), count=n * shift).reshape(n, shift)
        values = (high << shift) | (bits.astype(np.int64) << np.arange(shift)).sum(axis=1)
        for _ in range(order):
            values = np.cumsum(values)
        counts[:, c] = values
        begin = end
    return counts


def _predicted(channel: Int64s) -> tuple[int, Int64s]:
    """The order with the smallest residuals, and the residuals (the first `order` of them carry the start)."""
    best, best_residual, best_size = 0, channel, int(np.abs(channel).sum())
    residual = channel
    for order in range(1, _ORDERS):
        residual = np.diff(residual, prepend=0)
        size = int(np.abs(residual[order:]).sum())
        if size < best_size and len(channel) > order:
            best, best_residual, best_size = order, residual, size
    return best, best_residual
