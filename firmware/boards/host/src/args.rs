//! The arguments of the device process.

use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const USAGE: &str =
    "usage: --frames-from SOCKET --frames-to SOCKET --config FILE --flash FILE
  --frames-from SOCKET  Unix datagram socket that this device makes and receives Ethernet frames on
  --frames-to SOCKET    Unix datagram socket that it sends Ethernet frames to
  --config FILE         stored boot configuration; a missing file is a missing configuration
  --flash FILE          the flash; made and erased when missing";

/// What the device process is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) frames_from: PathBuf,
    pub(crate) frames_to: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) flash: PathBuf,
}

impl Args {
    /// Reads `--name value` pairs in any order; each must be there once. The error names the
    /// argument.
    pub(crate) fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let mut found: [(&str, Option<PathBuf>); 4] = [
            ("--frames-from", None),
            ("--frames-to", None),
            ("--config", None),
            ("--flash", None),
        ];
        while let Some(name) = args.next() {
            let (known, slot) = found
                .iter_mut()
                .find(|(known, _)| name == *known)
                .ok_or_else(|| format!("unknown argument {}", name.display()))?;
            let value = args
                .next()
                .ok_or_else(|| format!("{known} needs a value"))?;
            if slot.replace(value.into()).is_some() {
                return Err(format!("{known} is given twice"));
            }
        }
        let [frames_from, frames_to, config, flash] =
            found.map(|(name, value)| value.ok_or_else(|| format!("{name} is missing")));
        Ok(Self {
            frames_from: frames_from?,
            frames_to: frames_to?,
            config: config?,
            flash: flash?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_come_in_any_order() {
        assert_eq!(
            parse("--flash f --config c --frames-to t --frames-from r"),
            Ok(Args {
                frames_from: "r".into(),
                frames_to: "t".into(),
                config: "c".into(),
                flash: "f".into(),
            })
        );
    }

    #[test]
    fn a_mistake_is_named() {
        let mistakes = [
            ("--flash", "--flash needs a value"),
            ("--flash a --flash b", "--flash is given twice"),
            ("--flask a", "unknown argument --flask"),
            ("--flash a", "--frames-from is missing"),
        ];
        for (line, mistake) in mistakes {
            assert_eq!(parse(line), Err(mistake.to_owned()), "{line}");
        }
    }
}
