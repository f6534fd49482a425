//! On the chip: a hang ends in a reset that the next start can name, and a panic's last words are
//! there after it.
//!
//! The set-up runs before the runner is asked what to test, so the resets happen there: marks in RTC
//! memory say how far it came.
#![no_std]
#![no_main]

esp_bootloader_esp_idf::esp_app_desc!();

#[cfg(test)]
#[embedded_test::tests]
mod tests {
    use core::cell::RefCell;

    use critical_section::Mutex;
    use esp_hal::ram;
    use esp_hal::rtc_cntl::{SocResetReason, reset_reason};
    use esp_hal::system::Cpu;
    // The radio's driver is linked with the library, and wants its scheduler.
    use esp_rtos as _;
    use firmproof_esp32s3::{last_words, reset, watchdog};
    use portable_atomic::{AtomicU32, Ordering};

    /// Where the set-up is. RTC memory holds anything at power-on, which is the first step too.
    #[ram(unstable(rtc_fast, persistent))]
    static STEP: AtomicU32 = AtomicU32::new(0);
    const HUNG: u32 = 0x4655_4e01;

    static REASON: Mutex<RefCell<Option<SocResetReason>>> = Mutex::new(RefCell::new(None));

    #[init]
    fn init() {
        let peripherals = esp_hal::init(esp_hal::Config::default());
        if STEP.swap(0, Ordering::SeqCst) != HUNG {
            last_words::keep(format_args!("at=here message=last-words"));
            STEP.store(HUNG, Ordering::SeqCst);
            let _watchdog = watchdog::start(peripherals.RTC_TIMER);
            loop {
                core::hint::spin_loop();
            }
        }
        let reason = reset_reason(Cpu::ProCpu);
        critical_section::with(|cs| *REASON.borrow_ref_mut(cs) = reason);
    }

    #[test]
    #[timeout(20)]
    fn a_hang_is_reset_by_the_watchdog_and_the_next_start_can_name_it() {
        let reason = critical_section::with(|cs| *REASON.borrow_ref(cs));
        assert_eq!(reason, Some(SocResetReason::SysRtcWdt));
        assert_eq!(
            reset::word(SocResetReason::SysRtcWdt as u32),
            "rtc-watchdog"
        );
    }

    #[test]
    #[timeout(20)]
    fn last_words_outlive_a_reset_and_are_told_once() {
        let mut told = 0;
        last_words::take(|words| {
            assert_eq!(words, "at=here message=last-words");
            told += 1;
        });
        last_words::take(|_| told += 1);
        assert_eq!(told, 1);
    }
}
