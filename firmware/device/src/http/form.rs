//! The control page's form: `application/x-www-form-urlencoded`.

use crate::board::{Beeper, Led};

/// What a form asks for. Fields that it does not name are left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Controls {
    /// `led1`: 1 on, 2 off.
    pub led: Option<Led>,
    /// `beep`: 3 on, 4 off.
    pub beeper: Option<Beeper>,
}

/// Why a form is refused, in words that name the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormError(pub &'static str);

impl Controls {
    /// Reads a form; fields of other names are ignored.
    ///
    /// # Errors
    /// A field has a value that it may not have, stands twice, or is escaped wrongly.
    pub fn parse(form: &[u8]) -> Result<Self, FormError> {
        let mut controls = Self::default();
        for pair in form.split(|&b| b == b'&') {
            let mut halves = pair.splitn(2, |&b| b == b'=');
            let name = Text::decode(halves.next().unwrap_or_default())?;
            let value = Text::decode(halves.next().unwrap_or_default())?;
            match name.as_bytes() {
                b"led1" => {
                    let led = match value.as_bytes() {
                        b"1" => Led::On,
                        b"2" => Led::Off,
                        _ => return Err(FormError("led1 must be 1 or 2")),
                    };
                    if controls.led.replace(led).is_some() {
                        return Err(FormError("led1 must be given once"));
                    }
                }
                b"beep" => {
                    let beeper = match value.as_bytes() {
                        b"3" => Beeper::On,
                        b"4" => Beeper::Off,
                        _ => return Err(FormError("beep must be 3 or 4")),
                    };
                    if controls.beeper.replace(beeper).is_some() {
                        return Err(FormError("beep must be given once"));
                    }
                }
                _ => {}
            }
        }
        Ok(controls)
    }
}

/// A decoded name or value, as far as it may match one of the form's.
struct Text {
    bytes: [u8; 8],
    /// Past the end of `bytes` for a text that is longer.
    len: usize,
}

impl Text {
    fn decode(encoded: &[u8]) -> Result<Self, FormError> {
        const BAD: FormError = FormError("the form has a malformed percent-escape");
        let mut text = Self {
            bytes: [0; 8],
            len: 0,
        };
        let mut input = encoded.iter();
        while let Some(&byte) = input.next() {
            let decoded = match byte {
                b'+' => b' ',
                b'%' => {
                    let digit = |b: Option<&u8>| b.and_then(|&b| char::from(b).to_digit(16));
                    let high = digit(input.next()).ok_or(BAD)?;
                    let low = digit(input.next()).ok_or(BAD)?;
                    (high << 4 | low) as u8
                }
                other => other,
            };
            if let Some(place) = text.bytes.get_mut(text.len) {
                *place = decoded;
            }
            text.len += 1;
        }
        Ok(text)
    }

    /// The text; nothing that any name or value here equals when it is too long.
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(b"\0")
    }
}
