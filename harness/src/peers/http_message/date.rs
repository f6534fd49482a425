//! The date form that a sender must generate (RFC 9110 §5.6.7).

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Whether `value` is an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`, of a day that exists and bears
/// that name. Second 60 is allowed, as the grammar does for leap seconds.
pub fn is_imf_fixdate(value: &str) -> bool {
    fixdate(value).is_some()
}

fn fixdate(value: &str) -> Option<()> {
    let (day_name, rest) = value.split_once(", ")?;
    let parts: Vec<&str> = rest.split(' ').collect();
    let &[day, month, year, time, "GMT"] = parts.as_slice() else {
        return None;
    };
    let clock: Vec<&str> = time.split(':').collect();
    let &[hour, minute, second] = clock.as_slice() else {
        return None;
    };
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    let month = MONTHS.iter().position(|&name| name == month)? + 1;
    let in_range = (1..=days_in(year, month)).contains(&day)
        && number(hour, 2)? <= 23
        && number(minute, 2)? <= 59
        && number(second, 2)? <= 60;
    (in_range && day_name == DAYS[weekday(year, month, day)]).then_some(())
}

/// Exactly so many decimal digits.
fn number(text: &str, digits: usize) -> Option<usize> {
    let decimal = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if decimal { text.parse().ok() } else { None }
}

fn is_leap(year: usize) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: usize, month: usize) -> usize {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 0 is Sunday. Counts the days since Saturday, 0000-01-01 of the proleptic Gregorian calendar.
fn weekday(year: usize, month: usize, day: usize) -> usize {
    let leap_years = if year == 0 {
        0
    } else {
        (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1
    };
    let in_year: usize = (1..month).map(|month| days_in(year, month)).sum();
    (6 + year * 365 + leap_years + in_year + day - 1) % 7
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Day names from `date -u`; the first is the specification's own example.
    #[test]
    fn only_imf_fixdates_of_days_that_exist_are_accepted() {
        for (value, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", true),
            ("Thu, 01 Jan 1970 00:00:00 GMT", true),
            ("Tue, 29 Feb 2000 23:59:59 GMT", true),
            ("Thu, 29 Feb 2024 12:00:00 GMT", true),
            ("Thu, 07 Feb 2036 06:28:16 GMT", true),
            ("Mon, 01 Mar 2100 00:00:00 GMT", true),
            ("Sat, 31 Dec 2016 23:59:60 GMT", true),
            ("Mon, 06 Nov 1994 08:49:37 GMT", false),
            ("Mon, 29 Feb 2100 00:00:00 GMT", false),
            ("Thu, 31 Apr 2025 00:00:00 GMT", false),
            ("Sun, 00 Nov 1994 08:49:37 GMT", false),
            ("Sun, 6 Nov 1994 08:49:37 GMT", false),
            ("Sun, 06 Nov 94 08:49:37 GMT", false),
            ("Sun, 06 nov 1994 08:49:37 GMT", false),
            ("Sun, 06 Nov 1994 24:00:00 GMT", false),
            ("Sun, 06 Nov 1994 08:60:00 GMT", false),
            ("Sun, 06 Nov 1994 08:49:61 GMT", false),
            ("Sun, 06 Nov 1994 08:49:37 UTC", false),
            ("Sun, 06 Nov 1994 08:49:37 +0000", false),
            ("Sun, 06 Nov 1994 08:49:37", false),
            ("Sun,  06 Nov 1994 08:49:37 GMT", false),
            ("Sunday, 06-Nov-94 08:49:37 GMT", false),
            ("Sun Nov  6 08:49:37 1994", false),
            ("Sun, +6 Nov 1994 08:49:37 GMT", false),
            ("", false),
        ] {
            assert_eq!(is_imf_fixdate(value), expected, "{value}");
        }
    }
}
