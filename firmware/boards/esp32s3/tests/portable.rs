//! What needs no peripheral: the board's decisions, and test vectors of the protocol cores. They run
//! on the chip, where a compiler's fault would show, and on a laptop.
#![no_main]
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
esp_bootloader_esp_idf::esp_app_desc!();

#[cfg(test)]
#[embedded_test::tests]
mod tests {
    use core::fmt::Write;

    use embassy_time::Instant;
    use firmproof_bootconfig::{BootConfig, DecodeError, MAX_ENCODED_LEN, WifiCredentials};
    use firmproof_device::civil::Civil;
    use firmproof_device::http::chunked::Chunked;
    use firmproof_device::mqtt::codec::{Decoder, Encoder, Item, Received};
    use firmproof_device::ntp::packet::{Answer, Exchange, Refusal};
    use firmproof_device::update::Request;
    use firmproof_device::update::slots::{Pending, Record};
    use firmproof_esp32s3::partitions::{Entry, Partitions, TableError};
    use firmproof_esp32s3::reset;
    use firmproof_esp32s3::trial::{Step, decide};

    // The radio's driver is linked with the library, and wants its scheduler.
    #[cfg(target_os = "none")]
    use {esp_hal as _, esp_rtos as _};

    #[init]
    fn init() {
        #[cfg(target_os = "none")]
        let _ = esp_hal::init(esp_hal::Config::default());
    }

    /// The committed table, line by line.
    const TABLE: [Entry<'static>; 5] = [
        entry(b"otadata", 1, 0x00, 0x9000, 0x2000),
        entry(b"boot_config", 1, 0x06, 0xb000, 0x1000),
        entry(b"state", 1, 0x06, 0xc000, 0x14000),
        entry(b"slot_a", 0, 0x10, 0x20000, 0x1e0000),
        entry(b"slot_b", 0, 0x11, 0x200000, 0x1e0000),
    ];

    const fn entry(name: &[u8], kind: u8, subtype: u8, offset: u32, len: u32) -> Entry<'_> {
        Entry {
            name,
            kind,
            subtype,
            offset,
            len,
        }
    }

    #[test]
    fn the_committed_table_has_what_the_device_needs() {
        let found = Partitions::find(TABLE.iter().copied()).unwrap();
        assert_eq!(found.config, 0xb000..0xc000);
        assert_eq!(found.layout.state, 0xc000..0x20000);
        assert_eq!(found.layout.slots[1], 0x200000..0x3e0000);
        assert_eq!(found.slot_at(0x20000), Some(0));
        assert_eq!(found.slot_at(0x200000), Some(1));
        assert_eq!(found.slot_at(0x9000), None);
    }

    #[test]
    fn every_partition_that_is_missing_or_too_small_is_named() {
        let names = ["otadata", "boot_config", "state", "slot_a", "slot_b"];
        for (place, name) in names.into_iter().enumerate() {
            let others = TABLE.iter().enumerate().filter(|(n, _)| *n != place);
            let without = Partitions::find(others.map(|(_, entry)| *entry));
            assert_eq!(without, Err(TableError::Missing(name)));
            let mut small = TABLE;
            small[place].len = 0x800;
            let small = Partitions::find(small.iter().copied());
            assert_eq!(small, Err(TableError::Unusable(name)));
            let mut outside = TABLE;
            outside[place].offset = 0xffff_f000;
            let outside = Partitions::find(outside.iter().copied());
            assert_eq!(outside, Err(TableError::Unusable(name)));
        }
    }

    const NEW: Record = Record {
        active: 0,
        highest: 1,
        pending: Some(Pending {
            slot: 1,
            version: 2,
            tried: false,
        }),
        rolled_back: None,
    };

    /// A device around the decision: what its flash holds, and a bootloader.
    struct Chip {
        record: Record,
        selected: u8,
        /// What `otadata` says of the selected slot.
        state: State,
        /// The bootloader takes back an image that was started once and did not accept itself.
        rolls_back: bool,
    }

    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Started,
        Valid,
        Aborted,
    }

    impl Chip {
        /// What the bootloader starts.
        fn boot(&mut self) -> u8 {
            if self.rolls_back {
                match self.state {
                    State::New => self.state = State::Started,
                    State::Started => self.state = State::Aborted,
                    State::Valid | State::Aborted => {}
                }
            }
            if self.state == State::Aborted {
                1 - self.selected
            } else {
                self.selected
            }
        }

        /// One start, of which only the first `writes` reach the flash: a power cut. Returns the slot
        /// that goes on.
        fn start(&mut self, mut writes: u32) -> Option<u8> {
            let running = self.boot();
            let mut write = || {
                let reaches = writes > 0;
                writes = writes.saturating_sub(1);
                reaches
            };
            match decide(self.record, running, Some(self.selected)) {
                Step::Run(record) => {
                    if record != self.record && write() {
                        self.record = record;
                    } else if record != self.record {
                        return None;
                    }
                    if self.selected == running && self.state != State::Valid {
                        if !write() {
                            return None;
                        }
                        self.state = State::Valid;
                    }
                    Some(running)
                }
                Step::Try(slot) => {
                    if write() {
                        (self.selected, self.state) = (slot, State::New);
                    }
                    None
                }
                Step::GoBack(slot, record) => {
                    if write() {
                        (self.selected, self.state) = (slot, State::Valid);
                        if write() {
                            self.record = record;
                        }
                    }
                    None
                }
            }
        }

        /// Starts until an image goes on.
        fn settle(&mut self) -> u8 {
            for _ in 0..4 {
                if let Some(slot) = self.start(u32::MAX) {
                    return slot;
                }
            }
            panic!("no image goes on")
        }

        fn with_new_image(rolls_back: bool) -> Self {
            Self {
                record: NEW,
                selected: 0,
                state: State::Valid,
                rolls_back,
            }
        }
    }

    #[test]
    fn a_new_image_is_tried_once_and_taken_back_unless_it_confirms_itself() {
        for rolls_back in [false, true] {
            let mut chip = Chip::with_new_image(rolls_back);
            assert_eq!(chip.settle(), 1);
            assert!(chip.record.is_on_trial(1));
            // It hangs, and the watchdog restarts it.
            assert_eq!(chip.settle(), 0);
            assert_eq!(chip.record.rolled_back, Some(1));
            assert_eq!(chip.settle(), 0);

            let mut chip = Chip::with_new_image(rolls_back);
            assert_eq!(chip.settle(), 1);
            assert_eq!(chip.record.confirm(1), Some(1));
            assert_eq!(chip.settle(), 1);
            assert_eq!((chip.record.active, chip.record.rolled_back), (1, None));
        }
    }

    #[test]
    fn an_image_that_fails_before_it_decides_is_taken_back_by_a_bootloader_that_can() {
        let mut chip = Chip::with_new_image(true);
        assert_eq!(chip.start(u32::MAX), None);
        assert_eq!(chip.boot(), 1);
        // It crashed at once; the bootloader starts the old one, which notices.
        assert_eq!(chip.settle(), 0);
        assert_eq!(chip.record.pending, None);
        assert_eq!(chip.record.rolled_back, Some(1));
    }

    #[test]
    fn a_power_cut_at_any_write_ends_in_an_image_that_works() {
        for rolls_back in [false, true] {
            for cut_at_start in 0..4 {
                for writes in 0..3 {
                    let mut chip = Chip::with_new_image(rolls_back);
                    for start in 0..4 {
                        let cut = start == cut_at_start;
                        chip.start(if cut { writes } else { u32::MAX });
                    }
                    // Never confirmed: whatever was cut, the old image is what remains.
                    chip.settle();
                    assert_eq!(chip.settle(), 0);
                    assert_eq!(chip.record.active, 0);
                    assert_eq!(chip.record.pending, None);
                }
            }
        }
    }

    #[test]
    fn a_slot_that_somebody_flashed_is_the_one_that_works() {
        let record = Record {
            active: 1,
            ..Record::default()
        };
        let Step::Run(decided) = decide(record, 0, None) else {
            panic!("it goes on");
        };
        assert_eq!(decided.active, 0);
    }

    #[test]
    fn a_reset_has_a_word_and_an_unknown_one_too() {
        assert_eq!(reset::word(0x0f), "brown-out");
        assert_eq!(reset::word(0x10), "rtc-watchdog");
        assert_eq!(reset::word(0x99), "unknown");
    }

    #[test]
    fn a_stored_configuration_and_credentials_come_back_as_they_were() {
        let mut page = [0xff; 4096];
        let (config, wifi) = page.split_at_mut(WifiCredentials::PARTITION_OFFSET);
        firmproof_bootconfig::encode(&BootConfig::safe_default(), config).unwrap();
        let credentials = WifiCredentials {
            ssid: "lab".try_into().unwrap(),
            passphrase: "passphrase".try_into().unwrap(),
        };
        credentials.encode(wifi).unwrap();
        let stored = &page[..MAX_ENCODED_LEN];
        assert_eq!(
            firmproof_bootconfig::decode(stored),
            Ok(BootConfig::safe_default())
        );
        let stored = &page[WifiCredentials::PARTITION_OFFSET..];
        assert_eq!(WifiCredentials::decode(stored), Ok(credentials));
        page[9] ^= 1;
        let broken = firmproof_bootconfig::decode(&page[..MAX_ENCODED_LEN]);
        assert_eq!(broken, Err(DecodeError::BadCrc));
    }

    /// RFC 5905 §7.3: a server's reply of 2024-02-29T00:00:00Z, stratum 2.
    fn reply(cookie: u64) -> [u8; 48] {
        let mut packet = [0; 48];
        packet[0] = 0b00_100_100;
        packet[1] = 2;
        packet[24..32].copy_from_slice(&cookie.to_be_bytes());
        packet[32..36].copy_from_slice(&3_918_153_600_u32.to_be_bytes());
        packet[40..44].copy_from_slice(&3_918_153_600_u32.to_be_bytes());
        packet
    }

    #[test]
    fn a_time_server_s_reply_is_read_to_the_second_and_a_forged_one_refused() {
        let sent = Instant::from_secs(100);
        let exchange = Exchange::new(0x0123_4567_89ab_cdef, sent);
        let judged = exchange.judge(&reply(0x0123_4567_89ab_cdef), 0, sent);
        let Ok(Answer::Time(sample)) = judged else {
            panic!("{judged:?}");
        };
        assert_eq!(sample.transmitted.secs, 1_709_164_800);
        let forged = exchange.judge(&reply(1), 0, sent);
        assert_eq!(forged, Err(Refusal::BogusOriginate));
    }

    /// A text of bounded length.
    struct Text {
        bytes: [u8; 48],
        used: usize,
    }

    impl Write for Text {
        fn write_str(&mut self, text: &str) -> core::fmt::Result {
            let end = self.used + text.len();
            let room = self.bytes.get_mut(self.used..end).ok_or(core::fmt::Error)?;
            room.copy_from_slice(text.as_bytes());
            self.used = end;
            Ok(())
        }
    }

    #[test]
    fn civil_time_knows_leap_years_centuries_and_offsets() {
        let shown = |unix, offset| {
            let mut text = Text {
                bytes: [0; 48],
                used: 0,
            };
            write!(text, "{}", Civil::from_unix(unix, offset).unwrap()).unwrap();
            text
        };
        // Written by `date -u -d @N +%FT%TZ` of GNU coreutils.
        for (unix, offset, expected) in [
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (4_107_542_399, 0, "2100-02-28T23:59:59Z"),
            (1_709_164_800, 28_800, "2024-02-29T08:00:00+08:00"),
        ] {
            let text = shown(unix, offset);
            assert_eq!(&text.bytes[..text.used], expected.as_bytes());
        }
    }

    #[test]
    fn an_mqtt_stream_is_read_byte_by_byte_and_answered() {
        // CONNACK accepted without a session; PUBLISH "a/b" at QoS 1, id 10, payload "hi".
        let stream = [
            0x20, 0x02, 0x00, 0x00, 0x32, 0x09, 0x00, 0x03, b'a', b'/', b'b', 0x00, 0x0a, b'h',
            b'i',
        ];
        let mut decoder = Decoder::new();
        let (mut connacks, mut publishes) = (0, 0);
        for byte in stream {
            match decoder.decode(&mut &[byte][..]).unwrap() {
                Some(Item::Packet(Received::Connack(connack))) => {
                    assert!(!connack.session_present);
                    connacks += 1;
                }
                Some(Item::Packet(Received::Publish(publish))) => {
                    assert_eq!((publish.topic, publish.payload), ("a/b", &b"hi"[..]));
                    publishes += 1;
                }
                Some(other) => panic!("{other:?}"),
                None => {}
            }
        }
        assert_eq!((connacks, publishes), (1, 1));
        let mut buffer = [0; 8];
        let ping = Encoder::new(&mut buffer).pingreq().unwrap();
        assert_eq!(ping, [0xc0, 0x00]);
    }

    #[test]
    fn a_chunked_body_is_read_to_its_end() {
        let mut input = &b"3\r\nabc\r\n0\r\n\r\nGET"[..];
        let mut chunked = Chunked::new(100);
        let (mut content, mut used) = ([0; 8], 0);
        while !chunked.is_done() {
            let step = chunked.step(input).unwrap();
            let data = &input[step.data];
            content[used..][..data.len()].copy_from_slice(data);
            used += data.len();
            input = &input[step.consumed..];
        }
        assert_eq!((&content[..used], input), (&b"abc"[..], &b"GET"[..]));
    }

    /// RFC 8032 §7.1, test 2: key and signature of the one byte 0x72. The device signs a longer
    /// message, so what passes here is that a right key with a wrong message is refused.
    #[test]
    fn an_offer_with_a_signature_of_something_else_is_refused() {
        let json = br#"{"url":"http://h/i","length":5,"sha256":"0000000000000000000000000000000000000000000000000000000000000000","signature":"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00","version":1}"#;
        let request = Request::parse(json).unwrap();
        let key = [
            0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b,
            0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1,
            0x2a, 0xf4, 0x66, 0x0c,
        ];
        assert!(!request.is_signed_by(&key));
    }
}
