//! NTP headers (RFC 4330 §4, RFC 5905 §7.3).

use super::{Reader, be};

const MODES: [&str; 8] = [
    "reserved",
    "symmetric active",
    "symmetric passive",
    "client",
    "server",
    "broadcast",
    "control",
    "private",
];

pub(super) fn read(reader: &mut Reader<'_>) -> Option<()> {
    let first = *reader
        .field("leap indicator", 1, |b| {
            let meaning = [
                "no warning",
                "last minute has 61 s",
                "last minute has 59 s",
                "not synchronised",
            ];
            format!("{} ({})", b[0] >> 6, meaning[usize::from(b[0] >> 6)])
        })?
        .first()?;
    reader.part("version", (first >> 3 & 7).to_string());
    reader.part(
        "mode",
        format!("{} ({})", first & 7, MODES[usize::from(first & 7)]),
    );
    reader.field("stratum", 1, |b| match b[0] {
        0 => "0 (unspecified, or a kiss-o'-death)".into(),
        stratum => stratum.to_string(),
    })?;
    reader.field("poll", 1, |b| format!("2^{} s", b[0].cast_signed()))?;
    reader.field("precision", 1, |b| format!("2^{} s", b[0].cast_signed()))?;
    for name in ["root delay", "root dispersion"] {
        reader.field(name, 4, |b| format!("{:.6} s", be(b) as f64 / 65536.0))?;
    }
    reader.field("reference identifier", 4, |b| {
        let printable = b.iter().all(|byte| byte.is_ascii_graphic() || *byte == 0);
        match printable && b[0] != 0 {
            true => String::from_utf8_lossy(b).trim_end_matches('\0').into(),
            false => format!("{}.{}.{}.{}", b[0], b[1], b[2], b[3]),
        }
    })?;
    for name in ["reference", "originate", "receive", "transmit"] {
        reader.field(&format!("{name} timestamp"), 8, |b| {
            let (seconds, fraction) = (be(&b[..4]), be(&b[4..]));
            format!(
                "{seconds} s and {:.6} s of the era",
                fraction as f64 / 4_294_967_296.0
            )
        })?;
    }
    Some(())
}
