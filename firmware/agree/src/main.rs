//! The pod's stride detection as a filter: samples in, one line for each stride out.
//!
//! Standard input, little-endian: rate Hz, accel scale, gyro scale, accel full scale, gyro full scale (SI), nine numbers
//! of the rotation, all f32; then blocks: first index u32, tick of that sample u64, n u16, n x 6 counts i16. Indices that
//! are stepped over are missing samples. `detect` (default) prints strides, `align` the axes that the
//! pod finds by itself, `own` both as the pod does: strides in the axes that it was given until it finds its own. `pack`
//! only builds raw frames, `read` does nothing with the samples: their difference is what an instruction counter shows.
//! `--table FILE` takes another table.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use evenstride_protocol::{FrameBuilder, FrameHead, MTU, SIX_AXES_MASK, TICK_HZ};
use evenstride_strides::{Aligner, Alignment, Config, Detector, StrideEvent, Table, BUILT_IN};

#[derive(Clone, Copy, PartialEq)]
enum Work {
    Detect,
    Align,
    Own,
    Pack,
    Read,
}

/// One block of samples as it came.
struct Block<'a> {
    first: u32,
    tick: u64,
    counts: &'a [u8],
}

impl Block<'_> {
    fn samples(&self) -> impl Iterator<Item = [i16; 6]> + '_ {
        self.counts.chunks_exact(12).map(|bytes| {
            let mut sample = [0; 6];
            for (count, two) in sample.iter_mut().zip(bytes.chunks_exact(2)) {
                *count = i16::from_le_bytes([two[0], two[1]]);
            }
            sample
        })
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agree: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut work = Work::Detect;
    let mut bytes = BUILT_IN.to_vec();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "detect" => work = Work::Detect,
            "align" => work = Work::Align,
            "own" => work = Work::Own,
            "pack" => work = Work::Pack,
            "read" => work = Work::Read,
            "--table" => bytes = std::fs::read(arguments.next().ok_or("--table needs a file")?)?,
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let mut input = Vec::new();
    io::stdin().lock().read_to_end(&mut input)?;
    let (config, mut rest) = head(&input)?;
    let table = Table::new(&bytes).map_err(|error| format!("table: {error:?}"))?;
    let detector = Detector::new(config, table).map_err(|error| format!("config: {error:?}"))?;
    let mut detector = Box::new(detector);
    let mut aligner = Aligner::new(&config);
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut sum = 0_u64;
    while let Some(block) = take(&mut rest)? {
        match work {
            Work::Detect => detect(&mut detector, &block, &mut out)?,
            Work::Align => block.samples().for_each(|sample| {
                aligner.push(sample);
            }),
            Work::Own => {
                detect(&mut detector, &block, &mut out)?;
                for found in block.samples().filter_map(|sample| aligner.push(sample)) {
                    let turned = detector.set_rotation(found.rotation);
                    turned.map_err(|error| format!("own axes: {error:?}"))?;
                    print_alignment(Some(found), &mut out)?;
                }
            }
            Work::Pack => sum += pack(&block),
            Work::Read => sum += block.samples().map(|s| u64::from(s[0] as u16)).sum::<u64>(),
        }
    }
    match work {
        Work::Detect | Work::Own => {}
        Work::Align => print_alignment(aligner.alignment(), &mut out)?,
        Work::Pack | Work::Read => writeln!(out, "{sum}")?,
    }
    Ok(())
}

fn detect(detector: &mut Detector, block: &Block, out: &mut impl Write) -> io::Result<()> {
    let missing = block.first.wrapping_sub(detector.next_index());
    detector.skip(missing);
    detector.stamp(block.first, block.tick);
    for sample in block.samples() {
        detector.push(sample);
    }
    while let Some(event) = detector.poll() {
        print(&event, out)?;
    }
    Ok(())
}

fn print(event: &StrideEvent, out: &mut impl Write) -> io::Result<()> {
    let known = |value: Option<f32>| value.unwrap_or(f32::NAN);
    writeln!(
        out,
        "{},{},{},{},{},{},{},{},{},{},{},{},{}",
        event.strike_index,
        event.end_index,
        event.strike_tick,
        event.toe_off_ticks,
        event.stride_ticks,
        event.stance_sd_s,
        known(event.impact_axial_mps2),
        known(event.impact_mps2),
        known(event.loading_mps3),
        event.swing_peak_radps,
        known(event.heading_rad),
        event.gait as u8,
        event.doubt,
    )
}

/// Nine numbers, seconds of running, 1 where the leg stood; nothing where no axes were found.
fn print_alignment(found: Option<Alignment>, out: &mut impl Write) -> io::Result<()> {
    if let Some(found) = found {
        for number in found.rotation {
            write!(out, "{number},")?;
        }
        writeln!(out, "{},{}", found.running_s, u8::from(found.stood))?;
    }
    Ok(())
}

/// Frames at MTU 247, as the pod builds them.
fn pack(block: &Block) -> u64 {
    let mut sum = 0;
    let mut samples = block.samples().peekable();
    let mut index = block.first;
    while samples.peek().is_some() {
        let head = FrameHead {
            backfill: false,
            boot_id: 1,
            seq: 0,
            first_index: index,
            tick: block.tick,
            mask: SIX_AXES_MASK,
            backlog: 0,
        };
        let Some(mut frame) = FrameBuilder::new(MTU, head) else {
            return sum;
        };
        while let Some(sample) = samples.peek() {
            if !frame.push(sample) {
                break;
            }
            index += 1;
            samples.next();
        }
        sum += frame.finish(index, 0).len() as u64;
    }
    sum
}

fn head(input: &[u8]) -> Result<(Config, &[u8]), &'static str> {
    let (head, rest) = input.split_at_checked(4 * 14).ok_or("no header")?;
    let numbers: Vec<f32> = head
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let rotation = numbers[5..].try_into().map_err(|_| "no rotation")?;
    let config = Config {
        rate_hz: numbers[0],
        tick_hz: TICK_HZ as f32,
        accel_scale: numbers[1],
        gyro_scale: numbers[2],
        accel_full: numbers[3],
        gyro_full: numbers[4],
        rotation,
    };
    Ok((config, rest))
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<Option<Block<'a>>, &'static str> {
    if rest.is_empty() {
        return Ok(None);
    }
    let (head, after) = rest.split_first_chunk::<14>().ok_or("a block cut short")?;
    let [i0, i1, i2, i3, t0, t1, t2, t3, t4, t5, t6, t7, n0, n1] = *head;
    let n = usize::from(u16::from_le_bytes([n0, n1]));
    let (counts, after) = after.split_at_checked(12 * n).ok_or("a block cut short")?;
    *rest = after;
    Ok(Some(Block {
        first: u32::from_le_bytes([i0, i1, i2, i3]),
        tick: u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]),
        counts,
    }))
}
