//! Views of a result, for people.

pub mod ladder;
pub mod style;
pub mod summary;

/// Text that the device may have chosen, made safe for a terminal: control characters, and those
/// that are not seen or change the order of others, are escaped.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_device_says_reaches_the_terminal_as_a_command() {
        let hostile = "\u{1b}[31m\r\n\u{9b}2J\u{202e}\u{200b}\u{7}\0 \"ok\" \\ ü";
        assert_eq!(
            printable(hostile),
            "\\u{1b}[31m\\r\\n\\u{9b}2J\\u{202e}\\u{200b}\\u{7}\\0 \"ok\" \\ ü"
        );
    }
}
