//! The command line.

use std::path::PathBuf;

use evenstride_protocol::ResetReason;

pub const USAGE: &str = "\
evenstride-host-pod --hci HOST:PORT --recording FILE [options]
  --hci HOST:PORT        a controller that speaks HCI in H4 framing (the virtual air)
  --recording FILE       samples: six little-endian i16 each (accelerometer, gyroscope), counts of Info's scales
  --flash FILE           2 MB of flash; made when absent (default: in memory only)
  --pod-id HEX           16 digits (default e5e50000000000a1)
  --rate HZ              true and nominal rate of the recording (default 416)
  --speed FACTOR         how much faster than life time passes (default 1)
  --start UNIX_SECONDS   when sample 0 of the recording was taken (default: now); pods of one runner share it, and the
                         counter then began there
  --repeat               play the recording again at its end (default: the last sample stands still)
  --first-tick N         the counter at sample 0 of the recording (default 0)
  --skew-ppm X           the counter against the true time (default 0)
  --bonded-only          stream over encrypted links only
  --raw-pages N          size of the raw log, for tests of a full one (default 240)
  --cut-after BYTES      fault: the power goes after so many bytes written to flash
  --fail-after BYTES     fault: flash refuses after so many bytes
  --hang-after BYTES     fault: flash never answers after so many bytes
  --watchdog SECONDS     end with code 12 when nothing is alive for so long (of life, not of --speed)
  --battery MV[:MV/MIN]  the cell's voltage at power on, and how it changes (default 4110)
  --usb                  something charges the cell
  --button FROM:TO       the button is held, in seconds since power on
  --reason NUMBER        why this boot began (default 1; 6 = woken by motion)
  --say-led              a line for each change of the LED
Asleep (5 min without motion and link) it is silent, until the recording moves by 62.5 mg from sample to sample or the
button is pressed: then it is another boot. It ends with code 11 when its cell is empty.";

/// What to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub hci: String,
    pub recording: PathBuf,
    pub flash: Option<PathBuf>,
    pub pod_id: [u8; 8],
    pub rate_hz: f64,
    pub speed: f64,
    pub start_unix_s: Option<f64>,
    pub repeat: bool,
    pub first_tick: u64,
    pub skew_ppm: f64,
    pub bonded_only: bool,
    pub raw_pages: usize,
    pub cut_after: Option<u64>,
    pub fail_after: Option<u64>,
    pub hang_after: Option<u64>,
    pub watchdog_s: Option<f64>,
    pub battery_mv: f64,
    pub battery_mv_per_min: f64,
    pub usb: bool,
    pub button_s: Option<(f64, f64)>,
    pub reason: ResetReason,
    pub say_led: bool,
}

impl Options {
    /// What is wrong, in words.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self {
            hci: String::new(),
            recording: PathBuf::new(),
            flash: None,
            pod_id: [0xE5, 0xE5, 0, 0, 0, 0, 0, 0xA1],
            rate_hz: 416.0,
            speed: 1.0,
            start_unix_s: None,
            repeat: false,
            first_tick: 0,
            skew_ppm: 0.0,
            bonded_only: false,
            raw_pages: evenstride_app::RAW_PAGES,
            cut_after: None,
            fail_after: None,
            hang_after: None,
            watchdog_s: None,
            battery_mv: 4110.0,
            battery_mv_per_min: 0.0,
            usb: false,
            button_s: None,
            reason: ResetReason::PowerOn,
            say_led: false,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--hci" => options.hci = value()?,
                "--recording" => options.recording = value()?.into(),
                "--flash" => options.flash = Some(value()?.into()),
                "--pod-id" => options.pod_id = pod_id(&value()?)?,
                "--rate" => options.rate_hz = positive(&word, &value()?)?,
                "--speed" => options.speed = positive(&word, &value()?)?,
                "--start" => options.start_unix_s = Some(number(&word, &value()?)?),
                "--repeat" => options.repeat = true,
                "--first-tick" => options.first_tick = number(&word, &value()?)?,
                "--skew-ppm" => options.skew_ppm = number(&word, &value()?)?,
                "--bonded-only" => options.bonded_only = true,
                "--raw-pages" => options.raw_pages = number(&word, &value()?)?,
                "--cut-after" => options.cut_after = Some(number(&word, &value()?)?),
                "--fail-after" => options.fail_after = Some(number(&word, &value()?)?),
                "--hang-after" => options.hang_after = Some(number(&word, &value()?)?),
                "--watchdog" => options.watchdog_s = Some(positive(&word, &value()?)?),
                "--battery" => {
                    let value = value()?;
                    let (mv, slope) = value.split_once(':').unwrap_or((&value, "0"));
                    options.battery_mv = number(&word, mv)?;
                    options.battery_mv_per_min = number(&word, slope)?;
                }
                "--usb" => options.usb = true,
                "--button" => {
                    let value = value()?;
                    let (from, to) = value
                        .split_once(':')
                        .ok_or_else(|| format!("--button: {value} is not FROM:TO"))?;
                    options.button_s = Some((number(&word, from)?, number(&word, to)?));
                }
                "--reason" => options.reason = ResetReason::from_air(number(&word, &value()?)?),
                "--say-led" => options.say_led = true,
                _ => return Err(format!("unknown option {word}")),
            }
        }
        if options.hci.is_empty() || options.recording.as_os_str().is_empty() {
            return Err("--hci and --recording are needed".to_owned());
        }
        Ok(options)
    }
}

fn number<T: std::str::FromStr>(word: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{word}: {text} is no number"))
}

fn positive(word: &str, text: &str) -> Result<f64, String> {
    let value: f64 = number(word, text)?;
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(format!("{word}: {text} is not above 0"))
    }
}

fn pod_id(text: &str) -> Result<[u8; 8], String> {
    let number = u64::from_str_radix(text, 16)
        .ok()
        .filter(|_| text.len() == 16);
    let number = number.ok_or_else(|| format!("--pod-id: {text} is not 16 hexadecimal digits"))?;
    Ok(number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Options, String> {
        Options::parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_given_is_taken() {
        let words =
            "--hci 127.0.0.1:9 --recording a.bin --pod-id 00112233445566ff --rate 208 --repeat";
        let options = parse(words).unwrap();
        assert_eq!(
            options.pod_id,
            [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xFF]
        );
        assert_eq!(
            (options.rate_hz, options.repeat, options.flash),
            (208.0, true, None)
        );
    }

    #[test]
    fn faults_of_the_board() {
        let words = "--hci a:1 --recording b --battery 3720:-60 --button 3:14.5 --reason 6 --usb";
        let options = parse(words).unwrap();
        let battery = (options.battery_mv, options.battery_mv_per_min);
        assert_eq!(battery, (3720.0, -60.0));
        assert_eq!(options.button_s, Some((3.0, 14.5)));
        assert_eq!((options.reason, options.usb), (ResetReason::Wake, true));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("--hci a:1").unwrap_err().contains("--recording"));
        assert!(parse("--speed 0 ").unwrap_err().contains("above 0"));
        assert!(parse("--rate").unwrap_err().contains("value"));
        assert!(parse("--pod-id 12").unwrap_err().contains("16"));
        assert!(parse("--button 12").unwrap_err().contains("FROM:TO"));
        assert!(parse("--battery 3800:x").unwrap_err().contains("number"));
        assert!(parse("--sped 2").unwrap_err().contains("--sped"));
    }
}
