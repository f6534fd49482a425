//! A run's folder, into which one process or several write their records.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::{self, ResultError, io_error};
use super::{DutSummary, EvidenceFile, RecordFile, SCHEMA, SUITE_VERSION};

/// The file that makes a folder a run's.
const BEGUN: &str = "begun.json";
/// What stands for a record until its case is judged.
const UNFINISHED: &str = "begun";

/// What the records of one run have in common.
#[derive(Serialize, Deserialize)]
struct Begun {
    schema: u32,
    suite_version: String,
    seed: String,
}

/// A run's folder. The processes of one run join the same folder, and so have the same seed.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    seed: [u8; 32],
}

/// What a run's folder holds.
#[derive(Debug)]
pub struct Records {
    /// The records, by file name.
    pub judged: Vec<RecordFile>,
    /// Cases that were begun and never judged, as `device.protocol.topic.name`: their process was
    /// ended, or they still run.
    pub unfinished: Vec<String>,
}

impl RunFolder {
    /// Makes `path` a run's folder, or joins the run that is there. Whoever comes first decides the
    /// seed: `seed`, or a random one.
    ///
    /// # Errors
    /// The file system's; [`ResultError::Foreign`] when the run that is there has another seed than
    /// `seed` or is of another version of the suite.
    pub fn join(path: &Path, seed: Option<[u8; 32]>) -> Result<Self, ResultError> {
        for part in ["records", "evidence"] {
            let folder = path.join(part);
            std::fs::create_dir_all(&folder).map_err(io_error(&folder))?;
        }
        let mine = Begun {
            schema: SCHEMA,
            suite_version: SUITE_VERSION.into(),
            seed: hex::encode(seed.unwrap_or_else(rand::random)),
        };
        file::write_first(&path.join(BEGUN), &mine)?;
        let joined = Self::open(path)?;
        match seed {
            Some(seed) if seed != joined.seed => Err(ResultError::Foreign {
                path: path.join(BEGUN),
                what: "seed",
                found: joined.seed_text(),
                wanted: mine.seed,
            }),
            _ => Ok(joined),
        }
    }

    /// The run that is in `path`.
    ///
    /// # Errors
    /// There is none, or one of another schema or version.
    pub fn open(path: &Path) -> Result<Self, ResultError> {
        let file = path.join(BEGUN);
        let begun: Begun = file::read_schema(&file)?;
        if begun.suite_version != SUITE_VERSION {
            return Err(ResultError::Foreign {
                path: file,
                what: "suite version",
                found: begun.suite_version,
                wanted: SUITE_VERSION.into(),
            });
        }
        let seed = parse_seed(&begun.seed).ok_or_else(|| ResultError::Malformed {
            path: file,
            message: format!("`seed` is {}, not 64 hexadecimal digits", begun.seed),
        })?;
        Ok(Self {
            path: path.into(),
            seed,
        })
    }

    /// Whether there is a run in `path`.
    pub fn is_begun(path: &Path) -> bool {
        path.join(BEGUN).exists()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What every bench's seed is drawn from.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The seed in hexadecimal.
    pub fn seed_text(&self) -> String {
        hex::encode(self.seed)
    }

    /// Leaves a mark that the case is being judged: should its process end, the run is not complete.
    ///
    /// # Errors
    /// The file system's.
    pub fn begin(&self, dut: &str, id: &str) -> Result<(), ResultError> {
        let mark = self.record_path(&file_stem(dut, id), UNFINISHED);
        std::fs::write(&mark, "").map_err(io_error(&mark))
    }

    /// Writes a record, its evidence and its capture. The attempts of an earlier record of the same
    /// case go before its own.
    ///
    /// # Errors
    /// The file system's; an earlier record that is not of this run.
    pub fn write(
        &self,
        record: &mut RecordFile,
        evidence: &EvidenceFile,
        capture: Option<&[u8]>,
    ) -> Result<(), ResultError> {
        let stem = file_stem(&record.dut.name, &record.case.id);
        record.case.evidence = format!("evidence/{stem}.json");
        file::write(&self.path.join(&record.case.evidence), evidence)?;
        let pcap = format!("evidence/{stem}.pcap");
        let pcap_path = self.path.join(&pcap);
        if let Some(bytes) = capture {
            file::write_bytes(&pcap_path, bytes)?;
            record.case.capture = Some(pcap);
        } else if pcap_path.exists() {
            // An earlier attempt's; the evidence is the last one's.
            std::fs::remove_file(&pcap_path).map_err(io_error(&pcap_path))?;
        }
        let path = self.record_path(&stem, "json");
        if path.exists() {
            let earlier = self.read_record(&path)?;
            record.case.attempts.splice(0..0, earlier.case.attempts);
        }
        // The mark becomes the record in one step.
        let mark = self.record_path(&stem, UNFINISHED);
        std::fs::write(&mark, file::text_of(&path, record)?).map_err(io_error(&mark))?;
        std::fs::rename(&mark, &path).map_err(io_error(&path))
    }

    /// Takes a record back, with its evidence: its board was at fault, and another one judges the
    /// case.
    ///
    /// # Errors
    /// The file system's.
    pub fn withdraw(&self, dut: &str, id: &str) -> Result<(), ResultError> {
        let stem = file_stem(dut, id);
        let evidence = |extension| self.path.join(format!("evidence/{stem}.{extension}"));
        for path in [
            self.record_path(&stem, "json"),
            evidence("json"),
            evidence("pcap"),
        ] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(io_error(&path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// All that was written so far.
    ///
    /// # Errors
    /// A record that is truncated, or not of this run, is named; so is a folder without records.
    pub fn records(&self) -> Result<Records, ResultError> {
        let folder = self.path.join("records");
        let entries = std::fs::read_dir(&folder).map_err(io_error(&folder))?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(io_error(&folder))?;
        paths.sort();
        let mut records = Records {
            judged: Vec::new(),
            unfinished: Vec::new(),
        };
        for path in paths {
            let extension = path.extension().unwrap_or_default();
            if extension == UNFINISHED {
                let stem = path.file_stem().unwrap_or_default();
                records.unfinished.push(stem.to_string_lossy().into_owned());
            } else if extension == "json" {
                let record = self.read_record(&path)?;
                same_device(&path, &record.dut, &records.judged)?;
                records.judged.push(record);
            }
        }
        if records.judged.is_empty() {
            return Err(ResultError::Empty { path: folder });
        }
        Ok(records)
    }

    fn read_record(&self, path: &Path) -> Result<RecordFile, ResultError> {
        let record: RecordFile = file::read_schema(path)?;
        let seed = self.seed_text();
        for (what, found, wanted) in [
            ("seed", &record.seed, seed.as_str()),
            ("suite version", &record.suite_version, SUITE_VERSION),
        ] {
            if found != wanted {
                return Err(ResultError::Foreign {
                    path: path.into(),
                    what,
                    found: found.clone(),
                    wanted: wanted.into(),
                });
            }
        }
        Ok(record)
    }

    fn record_path(&self, stem: &str, extension: &str) -> PathBuf {
        self.path.join(format!("records/{stem}.{extension}"))
    }
}

/// A run judges one firmware of a device, not two.
fn same_device(path: &Path, dut: &DutSummary, others: &[RecordFile]) -> Result<(), ResultError> {
    let firmware = |dut: &DutSummary| dut.firmware_sha256.clone().unwrap_or("unknown".into());
    let same_name = others.iter().find(|other| other.dut.name == dut.name);
    match same_name {
        Some(other) if other.dut.firmware_sha256 != dut.firmware_sha256 => {
            Err(ResultError::Foreign {
                path: path.into(),
                what: "firmware",
                found: firmware(dut),
                wanted: firmware(&other.dut),
            })
        }
        _ => Ok(()),
    }
}

/// The file name of a case's files: its device and its id with `/` as `.`. A profile's name is any
/// text; what no file name should have becomes `_`.
fn file_stem(dut: &str, id: &str) -> String {
    let safe = |c: char| match c {
        'A'..='Z' | 'a'..='z' | '0'..='9' | '-' | '.' => c,
        '/' => '.',
        _ => '_',
    };
    format!("{dut}/{id}").chars().map(safe).collect()
}

/// A seed as `run.json` has it: 64 hexadecimal digits.
pub fn parse_seed(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
