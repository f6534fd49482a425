//! Text that the device may have chosen, made safe for the places where it is shown.

use std::fmt::Write as _;

/// For a terminal: control characters, and those that are not seen or change the order of others,
/// are escaped.
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

/// For the text or an attribute of an HTML document: [`printable`], and no markup.
pub(super) fn html(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            c => shown.push(c),
        }
    }
    shown
}

/// For a Markdown document: a code span, in which nothing has a meaning (CommonMark §6.1). The cells
/// of a table would still end at a bar, so it is not for those.
pub(super) fn markdown(text: &str) -> String {
    let text = printable(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}

/// For a block of data in an HTML document: JSON that nothing in it can end (`</script>`, `<!--`).
pub(super) fn json_in_html(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(shown, "\\u{:04x}", u32::from(c));
            }
            c => shown.push(c),
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

    #[test]
    fn nothing_that_a_device_says_is_markup() {
        assert_eq!(
            html("<b onclick='x'>\"&\u{7}"),
            "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;\\u{7}"
        );
        assert_eq!(markdown("a ``` b\n# c"), "```` a ``` b\\n# c ````");
        let json = json_in_html(&"</script><!--\u{2028}&");
        assert_eq!(json, "\"\\u003c/script\\u003e\\u003c!--\\u2028\\u0026\"");
        assert_eq!(
            serde_json::from_str::<String>(&json).unwrap(),
            "</script><!--\u{2028}&"
        );
    }
}
