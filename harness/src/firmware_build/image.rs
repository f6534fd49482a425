//! From assembly to the image.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::toolchain::{ASSEMBLER, LINKER, SYMBOLS};
use super::{Assembly, BuildError, read, run, shims};

/// Assembles and links; checks what came out before it gets the image's name.
pub(super) fn link(
    board: &Path,
    work: &Path,
    assembly: &Assembly,
    elf: &Path,
) -> Result<(), BuildError> {
    let objects = work.join("objects");
    std::fs::create_dir_all(&objects).map_err(|source| BuildError::File {
        path: objects.clone(),
        source,
    })?;
    let shims = objects.join("shims.S");
    std::fs::write(&shims, shims::assembly(&read(&assembly.builtins)?)?).map_err(|source| {
        BuildError::File {
            path: shims.clone(),
            source,
        }
    })?;
    let own = board.join("asm");
    // The shims come before the functions that they stand in front of.
    let sources = [
        ("start", own.join("start.S")),
        ("cpu", own.join("cpu.S")),
        ("shims", shims),
        ("device", assembly.device.clone()),
        ("builtins", assembly.builtins.clone()),
    ];
    let mut linked = Vec::new();
    for (name, source) in sources {
        let object = objects.join(name).with_extension("o");
        assemble(&own, &source, &object)?;
        linked.push(object);
    }
    let unchecked = objects.join("unchecked.elf");
    link_objects(board, &linked, &unchecked)?;
    let symbols = run(Command::new(SYMBOLS).arg(&unchecked))?;
    shims::check(&String::from_utf8_lossy(&symbols.stdout))?;
    std::fs::rename(&unchecked, elf).map_err(|source| BuildError::File {
        path: elf.into(),
        source,
    })
}

fn assemble(include: &Path, source: &Path, object: &Path) -> Result<(), BuildError> {
    run(Command::new(ASSEMBLER)
        .arg("-I")
        .arg(include)
        .arg("-o")
        .arg(object)
        .arg(source))?;
    Ok(())
}

fn link_objects(board: &Path, objects: &[PathBuf], elf: &Path) -> Result<(), BuildError> {
    let output = run(Command::new(LINKER)
        .args([
            "--no-relax",
            "--gc-sections",
            "--no-warn-rwx-segments",
            "-z",
            "noexecstack",
        ])
        .arg("-T")
        .arg(board.join("link.ld"))
        .arg("-o")
        .arg(elf)
        .args(objects))?;
    check_linker(&String::from_utf8_lossy(&output.stderr))
}

/// The linker goes on after a relocation that it calls dangerous: a literal that `l32r` cannot
/// reach, so that the code would load something else.
fn check_linker(said: &str) -> Result<(), BuildError> {
    match said
        .lines()
        .find(|line| line.contains("dangerous relocation"))
    {
        Some(line) => Err(BuildError::WrongCode(format!(
            "{line}; l32r reaches back 256 KiB: split the function that is larger than that"
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dangerous_relocation_is_an_error() {
        assert!(check_linker("ld: NOTE: deprecated\n").is_ok());
        let said = "device.o: in function `f':\n(.text+0x3): dangerous relocation: l32r: literal \
                    target out of range (try using text-section-literals): (.literal+0x0)";
        let error = check_linker(said).unwrap_err();
        assert!(error.to_string().contains("256 KiB"), "{error}");
    }
}
