//! Colours, for a terminal that has them.

use std::io::IsTerminal;

use clap::builder::styling::{AnsiColor, Style as Ansi};

use crate::case::Verdict;

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// With ANSI escape sequences.
    Coloured,
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Broken.
    Bad,
    /// Not known, or not sure.
    Doubtful,
}

impl Style {
    /// For this output: coloured on a terminal that is not `dumb`, unless `NO_COLOR` is set to
    /// anything but nothing (<https://no-color.org>).
    pub fn of(output: &impl IsTerminal) -> Self {
        Self::decide(output.is_terminal(), |name| std::env::var_os(name))
    }

    fn decide(is_terminal: bool, variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Self {
        let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_none_or(|value| value == "dumb");
        if is_terminal && !unwanted && !dumb {
            Self::Coloured
        } else {
            Self::Plain
        }
    }

    /// `text` in the colour of `tone`.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if self == Self::Plain {
            return text.into();
        }
        let colour = match tone {
            Tone::Good => AnsiColor::Green,
            Tone::Bad => AnsiColor::Red,
            Tone::Doubtful => AnsiColor::Yellow,
        };
        let style = Ansi::new().bold().fg_color(Some(colour.into()));
        format!("{style}{text}{style:#}")
    }
}

impl Tone {
    /// The tone of a verdict.
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Good,
            Verdict::Fail => Self::Bad,
            Verdict::Inconclusive | Verdict::Skipped => Self::Doubtful,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_without_no_color_gets_colours() {
        let with = |variables: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).into())
            }
        };
        let term = with(&[("TERM", "xterm")]);
        assert_eq!(Style::decide(true, term), Style::Coloured);
        assert_eq!(Style::decide(false, term), Style::Plain);
        let unwanted = with(&[("TERM", "xterm"), ("NO_COLOR", "1")]);
        assert_eq!(Style::decide(true, unwanted), Style::Plain);
        let empty = with(&[("TERM", "xterm"), ("NO_COLOR", "")]);
        assert_eq!(Style::decide(true, empty), Style::Coloured);
        assert_eq!(Style::decide(true, with(&[("TERM", "dumb")])), Style::Plain);
        assert_eq!(Style::Plain.paint(Tone::Bad, "x"), "x");
        assert_eq!(
            Style::Coloured.paint(Tone::Bad, "x"),
            "\u{1b}[1m\u{1b}[31mx\u{1b}[0m"
        );
    }
}
