//! The rest of the board: battery, button, LED and watchdog as the command line wants them.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use embassy_futures::select::{select, Either};
use embassy_time::Timer;
use evenstride_app::{Board, Led, Supply};
use evenstride_protocol::ResetReason;

use crate::options::Options;
use crate::world::Clock;

pub const WATCHDOG_CODE: u8 = 12;
const LOOK: Duration = Duration::from_millis(50);
const ASLEEP_LOOK: embassy_time::Duration = embassy_time::Duration::from_millis(20);

/// Times of faults are seconds of the world since power on.
pub struct Desk {
    clock: Clock,
    battery_mv: f64,
    battery_mv_per_s: f64,
    usb: bool,
    button_s: Option<(f64, f64)>,
    say_led: bool,
    shown: Cell<Option<Led>>,
    began: Instant,
    fed_ms: Arc<AtomicU64>,
}

impl Desk {
    pub fn new(clock: Clock, options: &Options) -> Self {
        let desk = Self {
            clock,
            battery_mv: options.battery_mv,
            battery_mv_per_s: options.battery_mv_per_min / 60.0,
            usb: options.usb,
            button_s: options.button_s,
            say_led: options.say_led,
            shown: Cell::new(None),
            began: Instant::now(),
            fed_ms: Arc::default(),
        };
        if let Some(limit_s) = options.watchdog_s {
            watch(desk.began, desk.fed_ms.clone(), limit_s);
        }
        desk
    }
}

/// End the process when nobody has fed the watchdog for so long, in seconds of life.
fn watch(began: Instant, fed_ms: Arc<AtomicU64>, limit_s: f64) {
    thread::spawn(move || loop {
        thread::sleep(LOOK);
        let fed = Duration::from_millis(fed_ms.load(Ordering::Relaxed));
        if began.elapsed().saturating_sub(fed).as_secs_f64() > limit_s {
            eprintln!("watchdog: nothing alive for {limit_s} s");
            process::exit(i32::from(WATCHDOG_CODE));
        }
    });
}

impl Board for Desk {
    fn tick(&self) -> u64 {
        self.clock.tick()
    }

    fn supply(&self) -> Supply {
        let battery_mv = self.battery_mv + self.battery_mv_per_s * self.clock.on_s();
        Supply {
            battery_mv: battery_mv.clamp(0.0, 4200.0) as u16,
            charging: self.usb,
            external: self.usb,
            ..Supply::default()
        }
    }

    fn button(&self) -> bool {
        let on_s = self.clock.on_s();
        self.button_s
            .is_some_and(|(from_s, to_s)| (from_s..to_s).contains(&on_s))
    }

    fn show(&self, led: Led) {
        if self.shown.replace(Some(led)) != Some(led) && self.say_led {
            println!("led {led:?}");
        }
    }

    fn alive(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.fed_ms.store(ms, Ordering::Relaxed);
    }

    async fn sleep(&self, moved: impl Future<Output = ()>) -> ResetReason {
        let mut moved = pin!(moved);
        loop {
            self.alive();
            match select(moved.as_mut(), Timer::after(ASLEEP_LOOK)).await {
                Either::First(()) => break ResetReason::Wake,
                Either::Second(()) if self.button() => break ResetReason::Button,
                Either::Second(()) => {}
            }
        }
    }
}
