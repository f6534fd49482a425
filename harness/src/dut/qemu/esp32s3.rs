//! The ESP32-S3 in Espressif's QEMU: its command line and its flash chip.
//!
//! Source: <https://github.com/espressif/esp-toolchain-docs/blob/main/qemu/esp32s3/README.md>.

use std::path::Path;

use super::Files;
use super::command::{Options, comma_safe};
use crate::dut::{DutError, Launch, partitions};
use crate::lab::FramePort;

/// The sizes of flash chips that this QEMU knows.
const CHIPS: [usize; 4] = [2 << 20, 4 << 20, 8 << 20, 16 << 20];
/// The eFuses: 1,024 bytes, in which byte 38 says which revision of the chip it is.
const FUSES: usize = 1024;
const REVISION: (usize, u8) = (38, 0x0c); // 0.3, the revision that is sold

/// QEMU with the chip, its frames on `port`.
pub(super) fn launch(program: &str, files: &Files, port: &FramePort) -> Launch {
    let mut options = Options::default();
    options.add("-machine", "esp32s3".into());
    let flash = comma_safe(&files.flash);
    options.add("-drive", format!("file={flash},if=mtd,format=raw"));
    let fuses = comma_safe(&files.fuses());
    options.add(
        "-drive",
        format!("file={fuses},if=none,format=raw,id=efuse"),
    );
    options.add(
        "-global",
        "driver=nvram.esp32s3.efuse,property=drive,value=efuse".into(),
    );
    options.launch(program, files, port)
}

/// Makes the flash and fuse files where there are none, and writes the boot configuration.
pub(super) fn store(files: &Files, config: &[u8]) -> Result<(), DutError> {
    let failed = |path: &Path, source| DutError::File {
        path: path.display().to_string(),
        source,
    };
    let read = |path: &Path| std::fs::read(path).map_err(|source| failed(path, source));
    let mut chip = if files.flash.exists() {
        read(&files.flash)?
    } else {
        let image = files.image()?;
        whole_chip(read(image)?).map_err(|problem| DutError::Image {
            path: image.display().to_string(),
            problem,
        })?
    };
    write_config(&mut chip, config).map_err(|problem| DutError::Image {
        path: files.flash.display().to_string(),
        problem,
    })?;
    std::fs::write(&files.flash, chip).map_err(|source| failed(&files.flash, source))?;
    let mut fuses = vec![0; FUSES];
    fuses[REVISION.0] = REVISION.1;
    std::fs::write(files.fuses(), fuses).map_err(|source| failed(&files.fuses(), source))
}

/// What a chip holds onto which `image` was written: erased flash behind it reads as ones.
fn whole_chip(mut image: Vec<u8>) -> Result<Vec<u8>, String> {
    let expected = partitions::layout().map_err(|error| error.to_string())?;
    let found = partitions::of_image(&image).map_err(|error| {
        format!("{error}; a flash image is what `espflash save-image --merge` writes")
    })?;
    for partition in &expected {
        if !found.contains(partition) {
            return Err(format!(
                "its partition table has no `{}` of {:#x} bytes at {:#x}; \
                 firmware/boards/esp32s3/partitions.csv is the table",
                partition.name, partition.size, partition.offset
            ));
        }
    }
    let end = expected.iter().map(|p| p.range().end).max().unwrap_or(0);
    let size = CHIPS
        .into_iter()
        .find(|size| *size >= image.len().max(end))
        .ok_or_else(|| format!("{} bytes are more than a chip of 16 MiB has", image.len()))?;
    image.resize(size, 0xff);
    Ok(image)
}

fn write_config(chip: &mut [u8], config: &[u8]) -> Result<(), String> {
    let layout = partitions::layout().map_err(|error| error.to_string())?;
    let place = layout.iter().find(|p| p.name == "boot_config");
    let place = place.and_then(|place| chip.get_mut(place.range()));
    let place = place.ok_or("there is no room for the boot configuration")?;
    place.fill(0xff);
    let (written, _) = place
        .split_at_mut_checked(config.len())
        .ok_or("the boot configuration is larger than its partition")?;
    written.copy_from_slice(config);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dut::partitions::TABLE;
    use crate::dut::partitions::tests::written;

    fn files(folder: &Path) -> Files {
        Files {
            image: Some(folder.join("image.bin")),
            config: folder.join("config"),
            flash: folder.join("flash"),
            control: folder.join("qmp"),
            debugger: folder.join("gdb"),
        }
    }

    fn image() -> Vec<u8> {
        let mut image = vec![0xff; 0x3_0000];
        let table = written(&partitions::layout().unwrap());
        image[TABLE.start..][..table.len()].copy_from_slice(&table);
        image[0x2_0000] = 0xe9;
        image
    }

    #[test]
    fn the_command_line_wires_the_chip_to_the_bench() {
        let port = FramePort {
            harness_socket: "/t/h".into(),
            dut_socket: "/t/d".into(),
        };
        let launch = launch("qemu-system-xtensa", &files("/t/a,b".as_ref()), &port);
        insta::assert_snapshot!(super::super::command::words(&launch));
    }

    #[test]
    fn the_flash_is_the_image_with_the_configuration_in_a_chip_of_4_mib() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        std::fs::write(files.image.as_ref().unwrap(), image()).unwrap();
        store(&files, b"FPBC first").unwrap();
        let chip = std::fs::read(&files.flash).unwrap();
        assert_eq!(chip.len(), 4 << 20);
        assert_eq!(chip[0xb000..0xb00b], *b"FPBC first\xff");
        let mut rest = chip.clone();
        rest[0xb000..0xc000].fill(0xff);
        assert_eq!(rest[..0x3_0000], image());
        assert!(rest[0x3_0000..].iter().all(|byte| *byte == 0xff));
        let fuses = std::fs::read(files.fuses()).unwrap();
        assert_eq!((fuses.len(), fuses[38]), (1024, 0x0c));

        // The device's own writes outlive a power cut; the configuration is the new one.
        let mut used = chip;
        used[0xc000] = 0x5a;
        std::fs::write(&files.flash, used).unwrap();
        store(&files, b"FPBC 2").unwrap();
        let chip = std::fs::read(&files.flash).unwrap();
        assert_eq!(chip[0xb000..0xb00a], *b"FPBC 2\xff\xff\xff\xff");
        assert_eq!(chip[0xc000], 0x5a);
    }

    #[test]
    fn an_image_with_another_table_or_none_is_refused_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let refused = |bytes: &[u8]| {
            std::fs::write(files.image.as_ref().unwrap(), bytes).unwrap();
            store(&files, b"FPBC").unwrap_err().to_string()
        };
        let none = refused(b"\x7fELF");
        assert!(
            none.contains("image.bin: there is no partition table at 0x8000"),
            "{none}"
        );
        assert!(none.contains("espflash save-image --merge"), "{none}");
        let mut other = image();
        other[TABLE.start + 32 + 4] ^= 0x10;
        let other = refused(&other);
        assert!(
            other.contains("no `boot_config` of 0x1000 bytes at 0xb000"),
            "{other}"
        );
        let mut large = image();
        large.resize((16 << 20) + 1, 0xff);
        let large = refused(&large);
        assert!(large.contains("more than a chip of 16 MiB"), "{large}");
    }
}
