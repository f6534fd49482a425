//! Which slot goes on when a bootloader has started one.
//!
//! The record in the device's state ([`Record`]) decides; ESP-IDF's `otadata` only tells the
//! bootloader what was decided. A bootloader with roll-back guards a new image until it reaches this
//! decision, and from there the record does: it notes the trial before the image does anything
//! else, and finds that note at the next start unless the image has confirmed itself. A bootloader
//! without roll-back, such as the one that comes with probe-rs and espflash, does not notice an
//! image that fails before this decision.
//!
//! `otadata` is written before a roll-back is recorded and after a trial is, so that a power cut
//! between the two ends in the image that is known to work.

use firmproof_device::update::slots::Record;

/// What to do, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Store the record, then tell the bootloader that the running slot is valid, then go on.
    Run(Record),
    /// Have the bootloader start the pending slot, as a new image, and restart. The record stays.
    Try(u8),
    /// Have the bootloader start this slot, which is known to work, then store the record, then
    /// restart.
    GoBack(u8, Record),
}

/// Decides. `running` is the slot of this image; `selected` is the one that `otadata` names, which
/// differs when the bootloader refused it.
pub fn decide(mut record: Record, running: u8, selected: Option<u8>) -> Step {
    let Some(pending) = record.pending else {
        // Somebody flashed another slot, or the bootloader fell back: what runs is what works.
        record.active = running;
        return Step::Run(record);
    };
    let on_trial = pending.slot == running;
    if on_trial && !pending.tried {
        record.pending = Some(firmproof_device::update::slots::Pending {
            tried: true,
            ..pending
        });
        return Step::Run(record);
    }
    let refused = selected == Some(pending.slot);
    if !on_trial && !pending.tried && !refused {
        return Step::Try(pending.slot);
    }
    record.pending = None;
    record.rolled_back = Some(pending.slot);
    if on_trial && record.active != running {
        Step::GoBack(record.active, record)
    } else {
        record.active = running;
        Step::Run(record)
    }
}
