//! What the device takes: instructions, and stack.

use std::time::Duration;

use super::Samples;
use super::speed::{NOTHING, PAGE, connection_each, keep_alive, publishes, start};
use crate::bench::Bench;
use crate::case::{Judged, Stop};
use crate::dut::qemu::{CYCLES_PER_INSTRUCTION, Memory};

/// Looks at a CPU that ought to come to rest; it wakes ten times a second by itself.
const MOST_LOOKS: u32 = 500;
/// What `start.S` paints the stack with.
const PAINT: u32 = 0x5aa5_c33c;

/// One sample of the instructions that each operation costs, on a bench that counts them.
pub(super) async fn measure(bench: &Bench, operations: u32, samples: &mut Samples) -> Judged {
    let mut connection = start(bench).await?;
    let mut before = cycles(bench).await?;
    let mut cost = async |what, name, samples: &mut Samples| {
        let after = cycles(bench).await?;
        // The count wraps.
        let worked = f64::from(after.wrapping_sub(before));
        before = after;
        let each = worked / CYCLES_PER_INSTRUCTION / f64::from(operations);
        samples.add(what, name, "instructions", each);
        Judged::Ok(())
    };
    for (asked, what, name) in [
        (
            PAGE,
            "an HTTP page, one connection",
            "http_keep_alive_request_instructions",
        ),
        (
            NOTHING,
            "an HTTP refusal, one connection",
            "http_keep_alive_refusal_instructions",
        ),
    ] {
        keep_alive(bench, operations, asked).await?;
        cost(what, name, samples).await?;
    }
    connection_each(bench, operations).await?;
    cost(
        "an HTTP page, a connection each",
        "http_connection_request_instructions",
        samples,
    )
    .await?;
    for (qos, what, name) in [
        (
            0,
            "an MQTT publish, QoS 0",
            "mqtt_qos_0_publish_instructions",
        ),
        (
            1,
            "an MQTT publish, QoS 1",
            "mqtt_qos_1_publish_instructions",
        ),
        (
            2,
            "an MQTT publish, QoS 2",
            "mqtt_qos_2_publish_instructions",
        ),
    ] {
        publishes(&mut connection, qos, operations).await?;
        cost(what, name, samples).await?;
    }
    bench.alive("benchmark").await
}

/// Cycles at work, once the device has come to rest: it adds them up when it falls asleep.
async fn cycles(bench: &Bench) -> Judged<u32> {
    // Nothing tells when a CPU falls asleep: its count is looked at until it stands still.
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let mut last = read_cycles(bench).await?;
    for _ in 0..MOST_LOOKS {
        looks.tick().await;
        looks.tick().await;
        let now = read_cycles(bench).await?;
        if now == last {
            return Ok(now);
        }
        last = now;
    }
    Err(Stop::inconclusive("the device does not come to rest"))
}

async fn read_cycles(bench: &Bench) -> Judged<u32> {
    let bytes = bench.memory(Memory::CyclesAtWork).await?;
    let word = bytes.first_chunk::<4>().copied();
    let word = word.ok_or_else(|| Stop::inconclusive("QEMU gave less than a word of memory"))?;
    Ok(u32::from_le_bytes(word))
}

/// The most bytes of stack that the device has ever used.
pub(super) async fn stack_peak(bench: &Bench) -> Judged<f64> {
    let stack = bench.memory(Memory::Stack).await?;
    match depth(&stack) {
        0 => Err(Stop::inconclusive(
            "the stack is not painted: is this image older than this version of firmproof?",
        )),
        depth if depth == stack.len() => Err(Stop::inconclusive(
            "the stack is not painted, or it was used up to its end",
        )),
        depth => Ok(depth as f64),
    }
}

/// Bytes from the first word without paint to the end.
fn depth(stack: &[u8]) -> usize {
    let words = stack.chunks_exact(4);
    let painted = words.take_while(|word| **word == PAINT.to_le_bytes());
    stack.len() - 4 * painted.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_is_as_deep_as_its_lowest_word_without_paint() {
        let mut stack = PAINT.to_le_bytes().repeat(8);
        assert_eq!(depth(&stack), 0);
        stack[20] = 0;
        assert_eq!(depth(&stack), 12);
    }
}
