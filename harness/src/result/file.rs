//! One JSON file of a run: written whole or not at all, and read with the schema looked at first.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SCHEMA;

/// Why a run cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultError {
    /// The file system's.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Truncated, or not a result.
    #[error("{} is not a whole result: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// Another schema.
    #[error("{} has schema {found}; this version of firmproof reads schema {SCHEMA}", path.display())]
    UnknownSchema {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u64,
    },
    /// A part of another run.
    #[error(
        "{} belongs to another run: its {what} is {found}, not {wanted}; give each run a folder of its own",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What it says.
        found: String,
        /// What this run says.
        wanted: String,
    },
    /// Nothing to assemble.
    #[error("{} holds no records: no case was judged there", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(std::io::Error) -> ResultError + '_ {
    move |source| ResultError::Io {
        path: path.into(),
        source,
    }
}

fn malformed(path: &Path, error: &serde_json::Error) -> ResultError {
    ResultError::Malformed {
        path: path.into(),
        message: error.to_string(),
    }
}

pub(super) fn text_of(path: &Path, value: &impl Serialize) -> Result<String, ResultError> {
    match serde_json::to_string_pretty(value) {
        Ok(text) => Ok(text + "\n"),
        Err(error) => Err(malformed(path, &error)),
    }
}

/// Writes `path` so that nobody ever reads a part of it.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<(), ResultError> {
    write_bytes(path, text_of(path, value)?.as_bytes())
}

/// [`write`] for a file that is not JSON.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), ResultError> {
    let unfinished = path.with_added_extension(std::process::id().to_string());
    std::fs::write(&unfinished, bytes).map_err(io_error(&unfinished))?;
    std::fs::rename(&unfinished, path).map_err(io_error(path))
}

/// [`write`], unless `path` is there already.
pub(super) fn write_first(path: &Path, value: &impl Serialize) -> Result<(), ResultError> {
    let text = text_of(path, value)?;
    let unfinished = path.with_added_extension(std::process::id().to_string());
    std::fs::write(&unfinished, text).map_err(io_error(&unfinished))?;
    let linked = std::fs::hard_link(&unfinished, path);
    std::fs::remove_file(&unfinished).map_err(io_error(&unfinished))?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(io_error(path)(error))
        }
        _ => Ok(()),
    }
}

pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, ResultError> {
    let text = std::fs::read_to_string(path).map_err(io_error(path))?;
    serde_json::from_str(&text).map_err(|error| malformed(path, &error))
}

#[derive(Deserialize)]
struct Versioned {
    schema: Option<u64>,
}

/// Reads a file that has a `schema`.
pub(super) fn read_schema<T: DeserializeOwned>(path: &Path) -> Result<T, ResultError> {
    let text = std::fs::read_to_string(path).map_err(io_error(path))?;
    // The schema before the rest: what another schema calls its members is no mistake.
    let Versioned { schema } =
        serde_json::from_str(&text).map_err(|error| malformed(path, &error))?;
    match schema {
        Some(schema) if schema == u64::from(SCHEMA) => {
            serde_json::from_str(&text).map_err(|error| malformed(path, &error))
        }
        Some(found) => Err(ResultError::UnknownSchema {
            path: path.into(),
            found,
        }),
        None => Err(ResultError::Malformed {
            path: path.into(),
            message: "no `schema`".into(),
        }),
    }
}
