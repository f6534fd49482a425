//! Civil time at the borders of the calendar: a case per row of a table that another program made.

use super::clock::{configure, request, unix_s, unsent, until};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::profile::Capability;

/// The table: what NTP says, and what the calendar makes of it in UTC and at +08:00.
const TABLE: &str = include_str!("../../../../fixtures/calendar/calendar.csv");

pub(super) fn cases() -> Vec<Case> {
    TABLE
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .map(|line| match Row::read(line) {
            Ok(row) => Case::new(
                Level::Must,
                format!("ntp/calendar/{}", row.name),
                &[
                    "RFC5905-6-1",
                    "RFC3339-5.6-1",
                    "RFC3339-4.2-1",
                    "FIRMPROOF-CIVIL-1",
                    "FIRMPROOF-CIVIL-3",
                ],
                format!("Told by NTP, the device shows {} ({})", row.utc, row.why),
                move |bench| judge(bench, row),
            ),
            // Seen in every run, instead of a row that nobody misses.
            Err(reason) => Case::new(
                Level::Must,
                format!(
                    "ntp/calendar/{}",
                    line.split(',').next().unwrap_or_default()
                ),
                &["FIRMPROOF-CIVIL-1"],
                "The row of the calendar table can be read",
                move |_| {
                    let reason = format!("`{line}`: {reason}");
                    async move { Err(Stop::inconclusive(reason)) }
                },
            ),
        })
        .map(|case| {
            case.needs(&[
                Capability::Ntp,
                Capability::Configure,
                Capability::ObserveState,
            ])
        })
        .collect()
}

/// One instant.
#[derive(Debug, Clone, Copy)]
struct Row {
    name: &'static str,
    pivot_unix_s: i64,
    ntp_seconds: u32,
    unix_s: i64,
    utc: &'static str,
    local_plus8: &'static str,
    why: &'static str,
}

impl Row {
    fn read(line: &'static str) -> Result<Self, String> {
        let columns: Vec<&str> = line.splitn(7, ',').collect();
        let &[name, pivot, ntp, unix, utc, local_plus8, why] = columns.as_slice() else {
            return Err(format!("{} columns instead of 7", columns.len()));
        };
        let number = |text: &str| text.parse::<i64>().map_err(|e| format!("{text}: {e}"));
        Ok(Self {
            name,
            pivot_unix_s: number(pivot)?,
            ntp_seconds: ntp.parse().map_err(|e| format!("{ntp}: {e}"))?,
            unix_s: number(unix)?,
            utc,
            local_plus8,
            why: why.trim_matches('"'),
        })
    }
}

async fn judge(bench: Bench, row: Row) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-CIVIL-1";
    let server = bench.ntp_server(1).await?;
    configure(&bench, 1, |ntp| {
        ntp.era_pivot_unix_s = row.pivot_unix_s;
        ntp.utc_offset_s = 8 * 3600;
    });
    bench.start().await?;
    let asked = request(&bench, &server, PATIENCE, STATEMENT).await?;
    // One second early, so that the device's own clock crosses into the instant; at the very start of the
    // window no time is earlier.
    let early = i64::from(row.unix_s > row.pivot_unix_s);
    let seconds = row.ntp_seconds.wrapping_sub(u32::from(early == 1));
    let mut reply = asked.good_reply(0, 0);
    // The seconds are the table's, so that no arithmetic here can hide a mistake there. A fraction keeps the
    // timestamp from being all zeros, which means unknown (RFC 5905 §6).
    let now = u64::from(seconds) << 32 | 1 << 16;
    (reply.reference, reply.receive, reply.transmit) = (now, now, now);
    server.reply(&asked, &reply).await.map_err(unsent)?;

    let reached = |state: &serde_json::Value| unix_s(state).is_some_and(|now| now >= row.unix_s);
    let state = until(&bench, PATIENCE, reached).await?;
    if bench.need(Capability::ObserveConsole).is_ok() {
        // The instant taken may be the one told or, when the exchange took long, one just after it.
        let line = bench.event(PATIENCE, |line| line.is("ntp.sync")).await?;
        let told = row.unix_s - early;
        let taken = line
            .as_ref()
            .and_then(|line| line.field("unix_s")?.parse::<i64>().ok());
        let fits = taken.is_some_and(|taken| (told..=told + 1).contains(&taken));
        let expected = format!("the device takes {told}");
        require(
            fits,
            "RFC5905-6-1",
            expected,
            bench.with_console(&format!("{taken:?}")),
        )?;
        if let (Some(line), true) = (line, taken == Some(row.unix_s)) {
            let shown = (line.field("utc"), line.field("local"));
            let right = shown == (Some(row.utc), Some(row.local_plus8));
            let expected = format!("{} and {}", row.utc, row.local_plus8);
            require(right, STATEMENT, expected, line.text.clone())?;
        }
    }
    let Some(shown) = unix_s(&state).filter(|&shown| shown >= row.unix_s) else {
        let expected = format!("the clock reaches {} within 5 s", row.unix_s);
        let seen = bench.with_console(&state["time"].to_string());
        return Err(Stop::fail(STATEMENT, expected, seen));
    };
    let Some((utc, local)) = expected_at(shown) else {
        return Err(Stop::inconclusive(format!(
            "the state was seen {} s after the instant, when the table says no more",
            shown - row.unix_s
        )));
    };
    let time = &state["time"];
    let right = time["utc"] == utc.as_str() && time["local"] == local.as_str();
    let expected = format!("utc {utc} and local {local} at {shown}");
    require(right, STATEMENT, expected, time.to_string())
}

/// UTC and local time at `unix_s`, from the last row of the table at or before it, whatever its pivot.
fn expected_at(unix_s: i64) -> Option<(String, String)> {
    let row = TABLE
        .lines()
        .skip(1)
        .filter_map(|line| Row::read(line).ok())
        .filter(|row| row.unix_s <= unix_s)
        .max_by_key(|row| row.unix_s)?;
    let late = unix_s - row.unix_s;
    Some((advanced(row.utc, late)?, advanced(row.local_plus8, late)?))
}

/// `time` of the table, `late` seconds later: as long as its minute lasts, only the seconds differ.
fn advanced(time: &str, late: i64) -> Option<String> {
    let (before, seconds, after) = (time.get(..17)?, time.get(17..19)?, time.get(19..)?);
    let later = seconds.parse::<i64>().ok()? + late;
    (0..60)
        .contains(&later)
        .then(|| format!("{before}{later:02}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_can_be_read() {
        let rows: Vec<_> = TABLE.lines().skip(1).map(Row::read).collect();
        assert!(rows.len() > 20, "{} rows", rows.len());
        for row in rows {
            row.unwrap();
        }
    }

    #[test]
    fn a_time_advances_within_its_minute_only() {
        let time = "2024-02-29T00:00:58+08:00";
        assert_eq!(
            advanced(time, 1).as_deref(),
            Some("2024-02-29T00:00:59+08:00")
        );
        assert_eq!(advanced(time, 2), None);
    }
}
