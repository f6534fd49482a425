//! The reference device on the ESP32-S3 and the ESP32-C3: what a board gives
//! [`firmproof_device`], on esp-hal, esp-rtos and esp-radio.
//!
//! [`partitions`], [`trial`] and [`reset`] are plain decisions without a chip, and run on a laptop
//! too. Everything else is for the chip.
#![no_std]

pub mod partitions;
pub mod reset;
pub mod trial;

#[cfg(target_os = "none")]
pub mod board;
#[cfg(target_os = "none")]
pub mod console;
#[cfg(all(target_os = "none", feature = "openeth"))]
pub mod ethernet;
#[cfg(target_os = "none")]
pub mod fault;
#[cfg(target_os = "none")]
pub mod flash;
#[cfg(target_os = "none")]
pub mod last_words;
#[cfg(target_os = "none")]
pub mod pins;
#[cfg(target_os = "none")]
pub mod slots;
#[cfg(target_os = "none")]
pub mod watchdog;
#[cfg(all(target_os = "none", feature = "wifi"))]
pub mod wifi;

#[cfg(all(target_os = "none", not(any(feature = "esp32s3", feature = "esp32c3"))))]
compile_error!("name the chip: --features esp32s3 or --features esp32c3");
#[cfg(all(feature = "esp32s3", feature = "esp32c3"))]
compile_error!("one chip at a time: esp32s3 or esp32c3");
#[cfg(all(target_os = "none", not(any(feature = "wifi", feature = "openeth"))))]
compile_error!("name the network: --features wifi (the default) or openeth");
#[cfg(all(feature = "wifi", feature = "openeth"))]
compile_error!("one network at a time: --no-default-features --features openeth leaves wifi out");
