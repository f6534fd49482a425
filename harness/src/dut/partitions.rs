//! Where things are in an ESP32-S3's flash: ESP-IDF's partition table, as a file of text in the
//! repository, and as a flash image has it.

use std::ops::Range;

/// The layout that the firmware for the ESP32-S3 is built with.
const LAYOUT: &str = include_str!("../../../firmware/boards/esp32s3/partitions.csv");
/// Where a flash image has the table.
pub const TABLE: Range<usize> = 0x8000..0x8c00;
/// Bytes of one entry.
const ENTRY: usize = 32;
/// The first bytes of an entry, and of the entry that has the MD5 of those before it.
const MAGIC: [u8; 2] = [0xaa, 0x50];
const DIGEST_MAGIC: [u8; 2] = [0xeb, 0xeb];

/// A part of the flash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name, at most 16 bytes.
    pub name: String,
    /// What it is for: 0 an app, 1 data of ESP-IDF's, from 0x40 on data of ours.
    pub kind: u8,
    /// Which of its kind.
    pub subkind: u8,
    /// The first byte.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
}

impl Partition {
    /// Its bytes within a flash image.
    pub fn range(&self) -> Range<usize> {
        let start = self.offset as usize;
        start..start + self.size as usize
    }
}

/// Why something is no partition table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A line of the text has a mistake.
    #[error("partitions.csv, line {line}: {problem}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The image has no table.
    #[error("there is no partition table at {:#x}", TABLE.start)]
    None,
}

/// The layout that the firmware is built with.
///
/// # Errors
/// A mistake in the file.
pub fn layout() -> Result<Vec<Partition>, TableError> {
    parse(LAYOUT)
}

/// Reads ESP-IDF's text form: name, type, subtype, offset, size.
fn parse(text: &str) -> Result<Vec<Partition>, TableError> {
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            entry(line).map_err(|problem| TableError::Line {
                line: index + 1,
                problem,
            })
        })
        .collect()
}

fn entry(line: &str) -> Result<Partition, String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[name, kind, subkind, offset, size] = fields.as_slice() else {
        return Err(format!("{} fields, expected 5", fields.len()));
    };
    let kind = match kind {
        "app" => 0,
        "data" => 1,
        number => narrow(number)?,
    };
    let subkind = match (kind, subkind) {
        (0, "ota_0") => 0x10,
        (0, "ota_1") => 0x11,
        (1, "ota") => 0,
        (_, number) => narrow(number)?,
    };
    Ok(Partition {
        name: name.into(),
        kind,
        subkind,
        offset: number(offset)?,
        size: number(size)?,
    })
}

fn number(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0x");
    let read = digits.map_or_else(|| text.parse(), |hex| u32::from_str_radix(hex, 16));
    read.map_err(|_| format!("`{text}` is no number"))
}

fn narrow(text: &str) -> Result<u8, String> {
    u8::try_from(number(text)?).map_err(|_| format!("`{text}` is larger than a byte"))
}

/// Reads the table of a flash image.
///
/// # Errors
/// [`TableError::None`].
pub fn of_image(image: &[u8]) -> Result<Vec<Partition>, TableError> {
    let table = image.get(TABLE).ok_or(TableError::None)?;
    let mut found = Vec::new();
    for entry in table.chunks_exact(ENTRY) {
        if entry[..2] == DIGEST_MAGIC || entry.iter().all(|byte| *byte == 0xff) {
            break;
        }
        if entry[..2] != MAGIC {
            return Err(TableError::None);
        }
        let word = |at: usize| {
            let bytes = [entry[at], entry[at + 1], entry[at + 2], entry[at + 3]];
            u32::from_le_bytes(bytes)
        };
        let name = entry[12..28].split(|byte| *byte == 0).next();
        found.push(Partition {
            name: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
            kind: entry[2],
            subkind: entry[3],
            offset: word(4),
            size: word(8),
        });
    }
    if found.is_empty() {
        return Err(TableError::None);
    }
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests {
    use firmproof_bootconfig::MAX_ENCODED_LEN;

    use super::*;

    /// The table as ESP-IDF's tools write it, without the digest.
    pub(crate) fn written(partitions: &[Partition]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for partition in partitions {
            let mut name = partition.name.clone().into_bytes();
            name.resize(16, 0);
            bytes.extend([0xaa, 0x50, partition.kind, partition.subkind]);
            bytes.extend(partition.offset.to_le_bytes());
            bytes.extend(partition.size.to_le_bytes());
            bytes.extend(name);
            bytes.extend([0; 4]);
        }
        bytes
    }

    #[test]
    fn the_layout_has_two_slots_of_one_size_and_room_for_configuration_and_state() {
        let layout = layout().unwrap();
        let named = |name: &str| layout.iter().find(|p| p.name == name).unwrap();
        assert_eq!((named("slot_a").kind, named("slot_a").subkind), (0, 0x10));
        assert_eq!((named("slot_b").kind, named("slot_b").subkind), (0, 0x11));
        assert_eq!(named("slot_a").size, named("slot_b").size);
        assert!(named("boot_config").size as usize >= MAX_ENCODED_LEN);
        // As much as the device has for its state elsewhere.
        assert!(named("state").size >= 64 << 10);
        // The bootloader keeps its choice of slot in two erase pages.
        assert_eq!(
            (named("otadata").size, named("otadata").subkind),
            (0x2000, 0)
        );
    }

    #[test]
    fn the_partitions_are_aligned_do_not_overlap_and_fit_the_chip() {
        let mut end = TABLE.end as u32;
        for partition in layout().unwrap() {
            let unit = if partition.kind == 0 {
                64 << 10
            } else {
                4 << 10
            };
            assert!(partition.offset.is_multiple_of(unit), "{partition:?}");
            assert!(partition.size.is_multiple_of(4 << 10), "{partition:?}");
            assert!(
                partition.offset >= end,
                "{partition:?} begins before {end:#x}"
            );
            assert!(partition.name.len() < 16, "{partition:?}");
            end = partition.offset + partition.size;
        }
        assert!(end <= 4 << 20);
    }

    /// The first entry as `gen_esp32part.py` of ESP-IDF writes the line
    /// `otadata, data, ota, 0x9000, 0x2000`.
    #[test]
    fn an_images_table_is_read_up_to_its_digest() {
        let first = hex::decode("aa50010000900000002000006f74616461746100000000000000000000000000");
        let mut image = vec![0xff; TABLE.end];
        image[0x8000..0x8020].copy_from_slice(&first.unwrap());
        image[0x8020..0x8022].copy_from_slice(&DIGEST_MAGIC);
        let read = of_image(&image).unwrap();
        assert_eq!(read, layout().unwrap()[..1]);
        assert_eq!(written(&read), image[0x8000..0x8020]);
    }

    #[test]
    fn an_image_without_a_table_is_refused() {
        assert_eq!(of_image(&[0xff; 100]), Err(TableError::None));
        assert_eq!(of_image(&vec![0xff; TABLE.end]), Err(TableError::None));
        assert_eq!(of_image(&vec![0x12; TABLE.end]), Err(TableError::None));
    }

    #[test]
    fn a_mistake_in_the_text_is_told_with_its_line() {
        let error = parse("# table\nstate, 0x40, 0x01, 0xc000\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "partitions.csv, line 2: 4 fields, expected 5"
        );
        let error = parse("state, 0x40, one, 0xc000, 1\n").unwrap_err();
        assert!(error.to_string().contains("`one` is no number"), "{error}");
    }
}
