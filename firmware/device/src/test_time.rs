//! The unit tests' clock: ten times the machine's. Whoever waits is polled again at once, which is
//! what `embassy_futures::block_on` does anyway. The `std` feature of embassy-time would do, but
//! cargo would turn it on for the boards too, which bring their own clock.

extern crate std;
use core::task::Waker;
use std::sync::OnceLock;
use std::time::Instant;

use embassy_time_driver::{Driver, TICK_HZ, time_driver_impl};

const SCALE: u128 = 10;

struct TestTime(OnceLock<Instant>);

impl Driver for TestTime {
    fn now(&self) -> u64 {
        let micros = self.0.get_or_init(Instant::now).elapsed().as_micros() * SCALE;
        u64::try_from(micros * u128::from(TICK_HZ) / 1_000_000).unwrap()
    }

    fn schedule_wake(&self, _: u64, waker: &Waker) {
        waker.wake_by_ref();
    }
}

time_driver_impl!(static DRIVER: TestTime = TestTime(OnceLock::new()));
