//! A debugger that breaks running firmware on purpose: it overwrites the code of a function. Nothing
//! in the firmware helps with that, so what is tested is the image that users run.
//!
//! GDB's remote serial protocol: `$packet#checksum`, each answered by `+`.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::Failed;
use object::{Object, ObjectSymbol};

/// QEMU answers at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Code of the CPU (Xtensa ISA RM, chapter 6), little-endian.
pub(crate) mod code {
    /// `ill`: an illegal instruction.
    pub(crate) const ILLEGAL: [u8; 3] = [0x00, 0x00, 0x00];
    /// `j .`: a jump to itself.
    pub(crate) const HANG: [u8; 3] = [0x06, 0xff, 0xff];
    /// `movi a2, -4`, `l32i a2, a2, 0`: reads where there is no memory.
    pub(crate) const BAD_LOAD: [u8; 6] = [0x22, 0xaf, 0xfc, 0x22, 0x22, 0x00];
}

/// The address of a function in an image.
pub(crate) fn address_of(symbol: &str, image: &Path) -> Result<u32, Failed> {
    let bytes = std::fs::read(image)?;
    let file = object::File::parse(bytes.as_slice())?;
    let mut symbols = file.symbols();
    let found = symbols.find(|candidate| candidate.name() == Ok(symbol));
    let found = found.ok_or_else(|| format!("{}: no symbol {symbol}", image.display()))?;
    Ok(u32::try_from(found.address())?)
}

/// Halts the CPU, overwrites `bytes` at `address`, and lets it go on.
pub(crate) fn overwrite(socket: &Path, address: u32, bytes: &[u8]) -> Result<(), Failed> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let code = hex::encode(bytes);
    let length = bytes.len();
    let answer = ask(&mut stream, &format!("M{address:x},{length:x}:{code}"))?;
    if answer != "OK" {
        return Err(Failed::from(format!("the debugger's write: {answer}")));
    }
    let read = ask(&mut stream, &format!("m{address:x},{length:x}"))?;
    if read != code {
        return Err(Failed::from(format!("wrote {code}, and read {read}")));
    }
    let answer = ask(&mut stream, "D")?;
    if answer != "OK" {
        return Err(Failed::from(format!("the debugger's leave: {answer}")));
    }
    Ok(())
}

fn ask(stream: &mut UnixStream, packet: &str) -> Result<String, Failed> {
    let sum = packet.bytes().fold(0_u8, u8::wrapping_add);
    write!(stream, "${packet}#{sum:02x}")?;
    loop {
        let answer = answer(stream)?;
        stream.write_all(b"+")?;
        // What stopped the CPU when the debugger came is no answer.
        if !answer.starts_with('T') && !answer.starts_with('S') {
            return Ok(answer);
        }
    }
}

fn answer(stream: &mut UnixStream) -> Result<String, Failed> {
    let mut byte = [0];
    let mut packet = None;
    loop {
        stream.read_exact(&mut byte)?;
        match (byte[0], &mut packet) {
            (b'$', _) => packet = Some(Vec::new()),
            (b'#', Some(text)) => {
                let text = String::from_utf8(std::mem::take(text))?;
                stream.read_exact(&mut [0; 2])?;
                return Ok(text);
            }
            (byte, Some(text)) => text.push(byte),
            (_, None) => {}
        }
    }
}
