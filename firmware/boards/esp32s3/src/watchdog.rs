//! Ends a hang: the RTC watchdog resets the whole chip when the executor has not come to feed it.

use embassy_time::{Duration, Ticker};
use esp_hal::peripherals::RTC_TIMER;
use esp_hal::rtc_cntl::{Rtc, Rwdt, RwdtStage};

/// The longest turns of the executor are an image's signature and a flash page's erasure, both
/// below half a second.
const PERIOD_S: u64 = 5;

/// Starts the watchdog. Whoever holds it feeds it.
pub fn start(timer: RTC_TIMER<'static>) -> Rwdt {
    let mut watchdog = Rtc::new(timer).rwdt;
    // `enable` has stage 0 reset the system, after what was set before.
    watchdog.enable();
    watchdog.set_timeout(
        RwdtStage::Stage0,
        esp_hal::time::Duration::from_secs(PERIOD_S),
    );
    watchdog.feed();
    watchdog
}

/// Feeds the watchdog for as long as the executor and its timers run.
#[embassy_executor::task]
pub async fn feed(mut watchdog: Rwdt) -> ! {
    let mut ticks = Ticker::every(Duration::from_secs(1));
    loop {
        watchdog.feed();
        ticks.next().await;
    }
}
