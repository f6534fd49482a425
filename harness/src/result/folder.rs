//! A run's folder, into which one process or several write their records.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

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
    #[serde(default)]
    began_unix_s: u64,
}

/// A run's folder. The processes of one run join the same folder, and so have the same seed.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    seed: [u8; 32],
    began_unix_s: u64,
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
            began_unix_s: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
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
            began_unix_s: begun.began_unix_s,
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

    /// When its first process began, in seconds since 1970-01-01 UTC; 0 when that is not known.
    pub fn began_unix_s(&self) -> u64 {
        self.began_unix_s
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
    /// case go before its own, and keep their evidence under names of their own.
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
        let path = self.record_path(&stem, "json");
        let mut earlier = Vec::new();
        if path.exists() {
            earlier = self.read_record(&path)?.case.attempts;
            let number = earlier.len();
            if let Some(last) = earlier.last_mut() {
                let kept = format!("evidence/{stem}.attempt-{number}");
                self.rename(&mut last.evidence, &format!("{kept}.json"))?;
                self.rename(&mut last.capture, &format!("{kept}.pcapng"))?;
            }
        }
        record.case.evidence = format!("evidence/{stem}.json");
        file::write(&self.path.join(&record.case.evidence), evidence)?;
        if let Some(bytes) = capture {
            let name = format!("evidence/{stem}.pcapng");
            file::write_bytes(&self.path.join(&name), bytes)?;
            record.case.capture = Some(name);
        }
        if let Some(own) = record.case.attempts.last_mut() {
            own.evidence = Some(record.case.evidence.clone());
            own.capture.clone_from(&record.case.capture);
        }
        record.case.attempts.splice(0..0, earlier);
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

    /// Gives a file of this run another name, and says so where it is named.
    fn rename(&self, named: &mut Option<String>, name: &str) -> Result<(), ResultError> {
        if let Some(old) = named {
            let (from, to) = (self.path.join(&*old), self.path.join(name));
            std::fs::rename(&from, &to).map_err(io_error(&from))?;
            *old = name.into();
        }
        Ok(())
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
