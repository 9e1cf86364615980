//! Reading arrays by positions that are computed: outside there is nothing, never a panic.

/// The value at `k`; 0 outside.
pub(crate) fn at(values: &[f32], k: i32) -> f32 {
    usize::try_from(k)
        .ok()
        .and_then(|k| values.get(k))
        .copied()
        .unwrap_or(0.0)
}

/// Positions [start, stop) as far as they exist; empty where they do not all.
pub(crate) fn part(values: &[f32], start: i32, stop: i32) -> &[f32] {
    match (usize::try_from(start), usize::try_from(stop)) {
        (Ok(start), Ok(stop)) => values.get(start..stop).unwrap_or(&[]),
        _ => &[],
    }
}

pub(crate) fn part_mut(values: &mut [f32], start: i32, stop: i32) -> &mut [f32] {
    match (usize::try_from(start), usize::try_from(stop)) {
        (Ok(start), Ok(stop)) => values.get_mut(start..stop).unwrap_or(&mut []),
        _ => &mut [],
    }
}

/// Position of the first of the highest values; 0 of nothing.
pub(crate) fn highest(values: &[f32]) -> i32 {
    let (mut best, mut found) = (f32::NEG_INFINITY, 0);
    for (k, value) in values.iter().enumerate() {
        if *value > best {
            (best, found) = (*value, k);
        }
    }
    found as i32
}

/// The highest integer that is not above `x`.
pub(crate) fn floor(x: f32) -> i32 {
    let cut = x as i32;
    if cut as f32 > x {
        cut - 1
    } else {
        cut
    }
}

/// The lowest integer that is not below `x`.
pub(crate) fn ceil(x: f32) -> i32 {
    -floor(-x)
}

/// Position of the vertex of the parabola through the values at `k - 1`, `k`, `k + 1`, within half a sample of `k`.
pub(crate) fn vertex(values: &[f32], k: i32) -> f32 {
    let (before, here, after) = (at(values, k - 1), at(values, k), at(values, k + 1));
    let curve = before - 2.0 * here + after;
    if curve == 0.0 {
        return k as f32;
    }
    k as f32 + (0.5 * (before - after) / curve).clamp(-0.5, 0.5)
}
