//! From power-on to [`crate::run`]: the configuration, the stored state, the network.

use embassy_net::driver::Driver;
use embassy_net::{Config, Ipv4Address, Ipv4Cidr, Runner, StackResources, StaticConfigV4};
use embassy_sync::channel::Channel;
use embassy_sync::mutex::Mutex;
use embassy_sync::signal::Signal;
use firmproof_bootconfig::{BootConfig, Network};

use crate::clock::Clock;
use crate::console::OneWord;
use crate::link::LinkFirst;
use crate::random::Random;
use crate::status::Status;
use crate::store::{self, Store};
use crate::{Board, Device};

/// Sockets that are open at the same time: 4 of the HTTP server, 1 MQTT, 1 download, 1 NTP query,
/// 2 name queries (NTP and MQTT or a download), 1 DHCP, 1 of the stack's own resolver, 1 to spare.
const SOCKETS: usize = 12;

/// Memory for the network stack; the board gives it for ever.
pub struct NetworkResources(StackResources<SOCKETS>);

impl NetworkResources {
    /// Nothing in it yet.
    pub const fn new() -> Self {
        Self(StackResources::new())
    }
}

impl Default for NetworkResources {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads the stored configuration. An unusable one is named on the console as
/// `event=config.error reason=<word>`, and the device runs on [`BootConfig::safe_default`].
pub fn configuration<B: Board>(board: &B, stored: &[u8]) -> BootConfig {
    firmproof_bootconfig::decode(stored).unwrap_or_else(|error| {
        board.console_line(format_args!(
            "event=config.error reason={}",
            OneWord(&error)
        ));
        BootConfig::safe_default()
    })
}

/// Takes the board's flash. `None`, after `event=store.error reason=layout`, when the board's
/// layout is impossible.
///
/// The board calls this before [`run`], so that a board without a bootloader of its own can ask
/// the store which slot boots.
pub fn open_store<B: Board>(board: &B, flash: B::Flash) -> Option<Store<B::Flash>> {
    let store = Store::new(flash, board.flash_layout());
    if store.is_none() {
        board.console_line(format_args!("event=store.error reason=layout"));
    }
    store
}

/// Runs the device for ever on the Ethernet `driver`, as `config` says.
///
/// `drive` puts the network into a task of its own. It cannot share this one: each use of a socket
/// wakes the network, and if that woke the sockets' users too, the device would never sleep.
pub async fn run<B: Board, D: Driver>(
    board: &B,
    store: Store<B::Flash>,
    driver: D,
    config: &BootConfig,
    resources: &'static mut NetworkResources,
    drive: impl FnOnce(Runner<'static, LinkFirst<D>>),
) -> ! {
    let (store, boots) = count_boot(board, store).await;
    let device = Device {
        board,
        config,
        clock: Clock::new(),
        random: Random::new(&config.seed, boots, board.hardware_entropy()),
        status: Status::new(boots),
        store: Mutex::new(store),
        state_changed: Signal::new(),
        update_requests: Channel::new(),
    };
    board.set_led(device.status.led.get());
    board.set_beeper(device.status.beeper.get());
    let seed = device.random.next_u64();
    let driver = LinkFirst::new(driver);
    let (stack, runner) = embassy_net::new(driver, network(config), &mut resources.0, seed);
    drive(runner);
    crate::run(&device, stack).await
}

/// Counts this boot, durably, so that no two boots draw the same random numbers. State that cannot
/// be read is named and forgotten: a device that starts afresh is better than one that never starts.
async fn count_boot<B: Board>(board: &B, mut store: Store<B::Flash>) -> (Store<B::Flash>, u32) {
    // Room for the value, and for sequential-storage's key and alignment.
    let mut buffer = [0; 32];
    let before = match store.get(store::key::BOOTS, &mut buffer).await {
        Ok(value) => value
            .and_then(|bytes| bytes.first_chunk::<4>())
            .map_or(0, |bytes| u32::from_le_bytes(*bytes)),
        Err(store::StoreError) => {
            board.console_line(format_args!("event=store.error reason=unreadable"));
            let (cleared, erased) = store.clear().await;
            store = cleared;
            if erased.is_err() {
                board.console_line(format_args!("event=store.error reason=erase-failed"));
            }
            0
        }
    };
    let boots = before.saturating_add(1);
    if store
        .put(store::key::BOOTS, &boots.to_le_bytes())
        .await
        .is_err()
    {
        board.console_line(format_args!("event=store.error reason=write-failed"));
    }
    (store, boots)
}

/// The network as configured. The resolver (module `names`) reads the DNS servers from the
/// configuration or the lease, so a static address carries none here.
fn network(config: &BootConfig) -> Config {
    match config.network {
        Network::Dhcp => Config::dhcpv4(embassy_net::DhcpConfig::default()),
        Network::Static {
            address,
            prefix_len,
            gateway,
        } => Config::ipv4_static(StaticConfigV4 {
            address: Ipv4Cidr::new(Ipv4Address::from(address), prefix_len),
            gateway: gateway.map(Ipv4Address::from),
            dns_servers: heapless::Vec::new(),
        }),
    }
}

/// A locally administered unicast address that follows from the device's name, so that it stays
/// the same over restarts and differs between the devices of one network.
pub fn mac_address(config: &BootConfig) -> [u8; 6] {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(config.device_id.as_bytes());
    let [a, b, c, d] = crc.to_be_bytes();
    // IEEE 802 §8.2: bit 1 of the first octet is "locally administered", bit 0 "group".
    [0x02, 0x46, a, b, c, d]
}
