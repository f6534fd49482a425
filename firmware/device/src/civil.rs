//! Civil time from Unix seconds.

use core::fmt;
use time::{OffsetDateTime, UtcOffset};

/// A civil time at an offset from UTC.
#[derive(Debug, Clone, Copy)]
pub struct Civil(OffsetDateTime);

impl Civil {
    /// The civil time of `secs` at `offset_s` seconds east of UTC.
    pub fn from_unix(secs: i64, offset_s: i32) -> Option<Self> {
        let offset = UtcOffset::from_whole_seconds(offset_s).ok()?;
        let utc = OffsetDateTime::from_unix_timestamp(secs).ok()?;
        utc.checked_to_offset(offset).map(Self)
    }
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.0;
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )?;
        let (h, m, _) = t.offset().as_hms();
        if t.offset().is_utc() {
            f.write_str("Z")
        } else {
            let sign = if t.offset().is_negative() { '-' } else { '+' };
            write!(f, "{sign}{:02}:{:02}", h.unsigned_abs(), m.unsigned_abs())
        }
    }
}

/// An IMF-fixdate (RFC 9110 §5.6.7).
#[derive(Debug, Clone, Copy)]
pub struct HttpDate(OffsetDateTime);

impl HttpDate {
    /// The date of `secs`.
    pub fn from_unix(secs: i64) -> Option<Self> {
        OffsetDateTime::from_unix_timestamp(secs).ok().map(Self)
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let t = self.0;
        let day = usize::from(t.weekday().number_days_from_monday());
        let month = usize::from(u8::from(t.month())) - 1;
        write!(
            f,
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
            DAYS.get(day).unwrap_or(&""),
            t.day(),
            MONTHS.get(month).unwrap_or(&""),
            t.year(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }
}
