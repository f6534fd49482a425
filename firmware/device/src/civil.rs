//! Civil time: a Unix time as a date and time of day, at an offset from UTC.

use core::fmt;

use time::{OffsetDateTime, UtcOffset};

/// A date and time of day in the years 0000 to 9999 of the Gregorian calendar.
///
/// It is shown as ISO 8601 and RFC 3339 have it: `2024-02-29T00:00:00Z`, and with an offset
/// `2024-02-29T08:00:00+08:00`. Offset 0 is shown as `Z`. An offset that is no whole number of
/// minutes, which RFC 3339 cannot say, is shown with its seconds: `+00:19:32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil(OffsetDateTime);

impl Civil {
    /// The civil time at `secs` seconds after 1970-01-01T00:00:00Z where clocks are `offset_s`
    /// seconds ahead of UTC. `None` outside the years 0000 to 9999, which four digits cannot show,
    /// and for offsets of 26 hours and more.
    pub fn from_unix(secs: i64, offset_s: i32) -> Option<Self> {
        let utc = OffsetDateTime::from_unix_timestamp(secs).ok()?;
        let offset = UtcOffset::from_whole_seconds(offset_s).ok()?;
        let civil = utc.checked_to_offset(offset)?;
        (0..=9999).contains(&civil.year()).then_some(Self(civil))
    }
}

impl fmt::Display for Civil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.0;
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            civil.year(),
            u8::from(civil.month()),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        )?;
        let offset = civil.offset().whole_seconds();
        if offset == 0 {
            return f.write_str("Z");
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let (minutes, seconds) = (offset.abs() / 60, offset.abs() % 60);
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)?;
        if seconds != 0 {
            write!(f, ":{seconds:02}")?;
        }
        Ok(())
    }
}

/// A point in time as HTTP writes it: IMF-fixdate (RFC 9110 §5.6.7), as in
/// `Thu, 29 Feb 2024 00:00:00 GMT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpDate(Civil);

impl HttpDate {
    /// The HTTP date at `secs` seconds after 1970-01-01T00:00:00Z. `None` outside the years 0000
    /// to 9999.
    pub fn from_unix(secs: i64) -> Option<Self> {
        Civil::from_unix(secs, 0).map(Self)
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HttpDate(Civil(utc)) = *self;
        write!(
            f,
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
            weekday_name(utc.weekday()),
            utc.day(),
            month_name(utc.month()),
            utc.year(),
            utc.hour(),
            utc.minute(),
            utc.second()
        )
    }
}

fn weekday_name(day: time::Weekday) -> &'static str {
    use time::Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    match day {
        Monday => "Mon",
        Tuesday => "Tue",
        Wednesday => "Wed",
        Thursday => "Thu",
        Friday => "Fri",
        Saturday => "Sat",
        Sunday => "Sun",
    }
}

fn month_name(month: time::Month) -> &'static str {
    use time::Month::{
        April, August, December, February, January, July, June, March, May, November, October,
        September,
    };
    match month {
        January => "Jan",
        February => "Feb",
        March => "Mar",
        April => "Apr",
        May => "May",
        June => "Jun",
        July => "Jul",
        August => "Aug",
        September => "Sep",
        October => "Oct",
        November => "Nov",
        December => "Dec",
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::format;
    use std::string::{String, ToString};

    use super::{Civil, HttpDate};

    const DAY: i64 = 86_400;
    const CHINA: i32 = 8 * 3600;

    fn shown(secs: i64, offset_s: i32) -> Option<String> {
        Civil::from_unix(secs, offset_s).map(|civil| civil.to_string())
    }

    /// A calendar that counts days one by one, so that it shares no arithmetic with the code.
    struct Counted {
        year: i32,
        month: usize,
        day: i32,
        weekday: usize,
    }

    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

    impl Counted {
        fn days_in_month(&self) -> i32 {
            let leap = (self.year % 4 == 0 && self.year % 100 != 0) || self.year % 400 == 0;
            match self.month {
                1 if leap => 29,
                1 => 28,
                3 | 5 | 8 | 10 => 30,
                _ => 31,
            }
        }

        fn next(&mut self) {
            self.weekday = (self.weekday + 1) % 7;
            self.day += 1;
            if self.day > self.days_in_month() {
                self.day = 1;
                self.month += 1;
            }
            if self.month == 12 {
                self.month = 0;
                self.year += 1;
            }
        }

        fn iso(&self) -> String {
            format!("{:04}-{:02}-{:02}", self.year, self.month + 1, self.day)
        }
    }

    #[test]
    fn every_day_from_1970_to_2200_is_right_at_utc_and_at_plus_eight() {
        let mut today = Counted {
            year: 1970,
            month: 0,
            day: 1,
            weekday: 0,
        };
        let mut secs = 0;
        while today.year < 2201 {
            let iso = today.iso();
            assert_eq!(shown(secs, 0), Some(format!("{iso}T00:00:00Z")));
            assert_eq!(shown(secs + DAY - 1, 0), Some(format!("{iso}T23:59:59Z")));
            assert_eq!(
                shown(secs - 28_800, CHINA),
                Some(format!("{iso}T00:00:00+08:00"))
            );
            assert_eq!(
                shown(secs + DAY - 28_801, CHINA),
                Some(format!("{iso}T23:59:59+08:00"))
            );
            assert_eq!(
                HttpDate::from_unix(secs).unwrap().to_string(),
                format!(
                    "{}, {:02} {} {:04} 00:00:00 GMT",
                    WEEKDAYS[today.weekday], today.day, MONTHS[today.month], today.year
                )
            );
            today.next();
            secs += DAY;
        }
        // 231 years with 56 leap days: 2100 and 2200 have none.
        assert_eq!(secs / DAY, 231 * 365 + 56);
    }

    #[test]
    fn known_instants_are_right() {
        let known = [
            (-2_208_988_800, "1900-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (2_085_978_495, "2036-02-07T06:28:15Z"),
            (2_085_978_496, "2036-02-07T06:28:16Z"),
            (2_147_483_647, "2038-01-19T03:14:07Z"),
            (2_147_483_648, "2038-01-19T03:14:08Z"),
            (4_294_967_295, "2106-02-07T06:28:15Z"),
            (4_294_967_296, "2106-02-07T06:28:16Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ];
        for (secs, utc) in known {
            assert_eq!(shown(secs, 0).as_deref(), Some(utc));
        }
    }

    #[test]
    fn midnight_at_plus_eight_comes_at_sixteen_utc() {
        let leap_day = 1_709_222_400; // 2024-02-29T16:00:00Z
        assert_eq!(
            shown(leap_day - 1, CHINA).as_deref(),
            Some("2024-02-29T23:59:59+08:00")
        );
        assert_eq!(
            shown(leap_day, CHINA).as_deref(),
            Some("2024-03-01T00:00:00+08:00")
        );
    }

    #[test]
    fn offsets_are_shown_as_they_are() {
        let shown = |offset| shown(0, offset).unwrap();
        assert_eq!(shown(-18_000), "1969-12-31T19:00:00-05:00");
        assert_eq!(shown(-1_800), "1969-12-31T23:30:00-00:30");
        assert_eq!(shown(20_700), "1970-01-01T05:45:00+05:45");
        assert_eq!(shown(1_172), "1970-01-01T00:19:32+00:19:32");
        assert_eq!(shown(64_800), "1970-01-01T18:00:00+18:00");
    }

    #[test]
    fn what_four_digits_cannot_show_is_none() {
        assert_eq!(shown(253_402_300_800, 0), None);
        assert_eq!(shown(253_402_300_799, 1), None);
        assert_eq!(shown(-62_167_219_201, 0), None);
        assert_eq!(shown(-62_167_219_200, -1), None);
        assert_eq!(shown(i64::MAX, 0), None);
        assert_eq!(shown(i64::MIN, 0), None);
        assert_eq!(shown(0, i32::MAX), None);
        assert!(HttpDate::from_unix(i64::MAX).is_none());
    }
}
