//! A lock per board, so that two jobs on one machine never share one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A board that is this process's until it is dropped. A process that ends gives its boards back,
/// however it ends.
#[derive(Debug)]
pub struct BoardLock {
    _file: File,
}

/// Why a board cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody has it.
    #[error("it is in use by {0}")]
    Busy(String),
    /// The lock's file cannot be used.
    #[error("its lock {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Where the locks of this machine are, for all its users.
pub fn folder() -> PathBuf {
    std::env::temp_dir().join("firmproof-rig")
}

impl BoardLock {
    /// Takes the board that `key` names: its probe's serial number, or for an emulated one the rig's
    /// file and its name there. Never waits.
    ///
    /// # Errors
    /// [`LockError::Busy`] with who has it.
    pub fn take(folder: &Path, key: &str) -> Result<Self, LockError> {
        let name = hex::encode(&Sha256::digest(key)[..8]);
        let path = folder.join(format!("{name}.lock"));
        let failed = |source| LockError::File {
            path: path.clone(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        share(folder, 0o1777);
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is can be in the middle of being written.
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Busy(match holder.trim() {
                    "" => "another process".into(),
                    holder => holder.into(),
                }));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        share(&path, 0o666);
        let holder = format!("process {} for {key}\n", std::process::id());
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        file.write_all(holder.as_bytes()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

/// Lets the machine's other users lock too. Whoever made the file has done so before.
fn share(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::set_permissions(path, PermissionsExt::from_mode(mode));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_has_one_user_at_a_time_and_the_other_is_told_who() {
        let folder = tempfile::tempdir().unwrap();
        let take = |key: &str| BoardLock::take(folder.path(), key);
        let mine = take("7C:DF:A1:00:00:01").unwrap();
        let busy = take("7C:DF:A1:00:00:01").unwrap_err();
        let text = busy.to_string();
        assert!(
            text.contains(&format!("process {}", std::process::id())),
            "{text}"
        );
        assert!(text.contains("7C:DF:A1:00:00:01"), "{text}");
        assert!(take("7C:DF:A1:00:00:02").is_ok());
        drop(mine);
        assert!(take("7C:DF:A1:00:00:01").is_ok());
    }
}
