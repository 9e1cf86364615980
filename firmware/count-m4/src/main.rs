//! What detection and packing cost on a Cortex-M4: instructions, counted by QEMU.
//!
//! With `-icount shift=0` QEMU's clock advances by 1 ns for each instruction; SysTick counts it in steps of 40. The
//! recording lies behind RAM: its length in bytes u32, then what `agree` reads. Prints sums over all samples; `dearest` is
//! the most that one sample cost.
#![no_std]
#![no_main]

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::SYST;
use cortex_m_rt::entry;
use cortex_m_semihosting::{debug, hprintln};
use evenstride_protocol::{FrameBuilder, FrameHead, MTU, SIX_AXES_MASK, TICK_HZ};
use evenstride_strides::{Config, Detector, Table};
use panic_semihosting as _;
use static_cell::StaticCell;

const RECORDING: *const u8 = 0x2100_0000 as *const u8;
const INSTRUCTIONS_PER_TICK: u32 = 40; // 25 MHz
const HEAD: usize = 14 * 4;

static DETECTOR: StaticCell<Detector<'static>> = StaticCell::new();

#[entry]
fn main() -> ! {
    if run().is_none() {
        hprintln!("nothing to count: no recording, or no table");
        debug::exit(debug::EXIT_FAILURE);
    }
    debug::exit(debug::EXIT_SUCCESS);
    loop {
        cortex_m::asm::wfi();
    }
}

fn run() -> Option<()> {
    let mut peripherals = cortex_m::Peripherals::take()?;
    let systick = &mut peripherals.SYST;
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(0x00FF_FFFF);
    systick.clear_current();
    systick.enable_counter();
    let input = recording()?;
    let (config, blocks) = (config(input)?, input.get(HEAD..)?);
    let table = Table::built_in().ok()?;
    let mut made = None;
    let setup = counted(|| made = Detector::new(config, table).ok().map(|d| DETECTOR.init(d)));
    let detector = made?;
    let reading = counted(|| {
        each(blocks, |_, _, sample| {
            core::hint::black_box(sample);
        });
    });
    let packing = counted(|| pack(blocks));
    let (mut samples, mut strides, mut dearest) = (0, 0, 0);
    let detecting = counted(|| {
        each(blocks, |index, tick, sample| {
            if let Some(tick) = tick {
                detector.stamp(index, tick);
            }
            samples += 1;
            detector.push(sample);
            let before = SYST::get_current();
            strides += u32::from(detector.poll().is_some());
            dearest = dearest.max(since(before));
        });
    });
    hprintln!(
        "samples {} strides {} setup {} reading {} packing {} detecting {} dearest {}",
        samples,
        strides,
        setup,
        reading,
        packing,
        detecting,
        dearest
    );
    Some(())
}

fn since(before: u32) -> u32 {
    (before.wrapping_sub(SYST::get_current()) & 0x00FF_FFFF) * INSTRUCTIONS_PER_TICK
}

fn counted(work: impl FnOnce()) -> u32 {
    let before = SYST::get_current();
    work();
    since(before)
}

fn recording() -> Option<&'static [u8]> {
    // SAFETY: mps2-an386 has 16 MB of RAM from here on, which nothing else in this program uses and nobody writes.
    let whole = unsafe { core::slice::from_raw_parts(RECORDING, 16 << 20) };
    let (length, rest) = whole.split_first_chunk::<4>()?;
    rest.get(..u32::from_le_bytes(*length) as usize)
}

fn config(input: &[u8]) -> Option<Config> {
    let mut numbers = [0.0; 14];
    for (number, four) in numbers.iter_mut().zip(input.chunks_exact(4)) {
        *number = f32::from_le_bytes(four.try_into().ok()?);
    }
    let [rate_hz, accel_scale, gyro_scale, accel_full, gyro_full, rotation @ ..] = numbers;
    Some(Config {
        rate_hz,
        tick_hz: TICK_HZ as f32,
        accel_scale,
        gyro_scale,
        accel_full,
        gyro_full,
        rotation,
    })
}

/// All samples with their index; with the tick where a block begins.
fn each(mut rest: &[u8], mut work: impl FnMut(u32, Option<u64>, [i16; 6])) {
    while let Some((head, after)) = rest.split_first_chunk::<14>() {
        let [i0, i1, i2, i3, t0, t1, t2, t3, t4, t5, t6, t7, n0, n1] = *head;
        let n = 12 * usize::from(u16::from_le_bytes([n0, n1]));
        let first = u32::from_le_bytes([i0, i1, i2, i3]);
        let mut tick = Some(u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7]));
        let Some((counts, after)) = after.split_at_checked(n) else {
            return;
        };
        for (k, bytes) in counts.chunks_exact(12).enumerate() {
            let mut sample = [0; 6];
            for (count, two) in sample.iter_mut().zip(bytes.chunks_exact(2)) {
                *count = i16::from_le_bytes([two[0], two[1]]);
            }
            work(first + k as u32, tick.take(), sample);
        }
        rest = after;
    }
}

/// Frames at MTU 247.
fn pack(blocks: &[u8]) {
    let mut frame: Option<FrameBuilder> = None;
    each(blocks, |index, _, sample| {
        let head = FrameHead {
            backfill: false,
            boot_id: 1,
            seq: 0,
            first_index: index,
            tick: 0,
            mask: SIX_AXES_MASK,
            backlog: 0,
        };
        if frame.is_none() {
            frame = FrameBuilder::new(MTU, head);
        }
        if let Some(own) = &mut frame {
            own.push(&sample);
            if own.is_full() {
                core::hint::black_box(own.finish(index, 0));
                frame = None;
            }
        }
    });
}
