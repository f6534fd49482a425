//! Joins a Wi-Fi network as a station, and joins it again for as long as the device runs.

use embassy_time::{Duration, Timer, with_timeout};
use esp_hal::peripherals::WIFI;
use esp_hal::rng::Rng;
use esp_radio::wifi::sta::StationConfig;
use esp_radio::wifi::{
    AuthenticationMethodConfig, Config, ConnectionError, ControllerConfig, Interface,
    WifiController, WifiError,
};
use firmproof_bootconfig::WifiCredentials;
use firmproof_device::mqtt::backoff::Backoff;

use crate::console;

/// The network as embassy-net sees it.
pub type Driver = Interface;

/// Longer than a station takes for a scan of all channels, authentication, association and the
/// four-way handshake.
const JOIN_TIMEOUT: Duration = Duration::from_secs(20);
/// Bounds of the wait before the next attempt, in milliseconds.
const RETRY_MS: (u32, u32) = (500, 60_000);
/// A network that held for so long is worth an attempt at once.
const STABLE: Duration = Duration::from_secs(30);

/// Starts the radio. Without credentials it stays silent, and [`join`] says so.
///
/// # Errors
/// The radio's driver refused.
pub fn start(
    wifi: WIFI<'static>,
    credentials: Option<&WifiCredentials>,
) -> Result<(WifiController<'static>, Interface), WifiError> {
    let mut config = ControllerConfig::default();
    if let Some(credentials) = credentials {
        config = config.with_initial_config(Config::Station(station(credentials)?));
    }
    let controller = WifiController::new(wifi, config)?;
    Ok((controller, Interface::station()))
}

fn station(credentials: &WifiCredentials) -> Result<StationConfig, WifiError> {
    let authentication = if credentials.passphrase.is_empty() {
        AuthenticationMethodConfig::Open
    } else {
        AuthenticationMethodConfig::Wpa2Personal(credentials.passphrase.as_str().try_into()?)
    };
    Ok(StationConfig::default()
        .with_ssid(credentials.ssid.as_str().try_into()?)
        .with_authentication(authentication))
}

/// Keeps the station in its network. Tells `wifi.joined`, `wifi.lost` and `wifi.failed`, never a
/// name or a passphrase.
#[embassy_executor::task]
pub async fn join(mut controller: WifiController<'static>) -> ! {
    let mut backoff = Backoff::new(RETRY_MS.0, RETRY_MS.1);
    loop {
        match with_timeout(JOIN_TIMEOUT, controller.connect_async()).await {
            Ok(Ok(joined)) => {
                let since = embassy_time::Instant::now();
                console::line(format_args!("event=wifi.joined channel={}", joined.channel));
                if let Ok(lost) = controller.wait_for_disconnect_async().await {
                    let reason = lost.reason;
                    console::line(format_args!("event=wifi.lost reason={reason:?}"));
                }
                if since.elapsed() >= STABLE {
                    backoff.reset();
                }
            }
            Ok(Err(ConnectionError::Failed(failed))) => {
                tell_failure(format_args!("{:?}", failed.reason))
            }
            Ok(Err(ConnectionError::WifiError(error))) => tell_failure(format_args!("{error:?}")),
            Ok(Err(_)) => tell_failure(format_args!("unknown")),
            Err(_) => {
                tell_failure(format_args!("timeout"));
                // An attempt that nobody waits for must not meet the next one.
                let _ = with_timeout(JOIN_TIMEOUT, controller.disconnect_async()).await;
            }
        }
        let random = Rng::new();
        let wait = backoff.next(|n| ((u64::from(random.random()) * u64::from(n)) >> 32) as u32);
        console::line(format_args!("event=wifi.backoff ms={}", wait.as_millis()));
        Timer::after(wait).await;
    }
}

fn tell_failure(reason: core::fmt::Arguments<'_>) {
    console::line(format_args!("event=wifi.failed reason={reason}"));
}
