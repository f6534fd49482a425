//! QEMU's control socket (QEMU Machine Protocol: JSON objects, one a line).

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use crate::dut::DutError;

/// QEMU answers at once, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to one QEMU.
#[derive(Debug)]
pub struct Qmp {
    answers: Lines<BufReader<OwnedReadHalf>>,
    commands: OwnedWriteHalf,
    /// The number of the last command: an answer carries its command's.
    number: u64,
}

impl Qmp {
    /// Connects, and leaves the negotiation mode that every connection begins in.
    ///
    /// # Errors
    /// [`DutError::Qmp`].
    pub async fn connect(socket: &Path) -> Result<Self, DutError> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|e| DutError::Qmp(format!("{}: {e}", socket.display())))?;
        let (answers, commands) = stream.into_split();
        let mut qmp = Self {
            answers: BufReader::new(answers).lines(),
            commands,
            number: 0,
        };
        qmp.message("the greeting").await?;
        qmp.execute("qmp_capabilities", json!({})).await?;
        Ok(qmp)
    }

    /// Executes a command and gives what it returns. Events in between are passed over.
    ///
    /// # Errors
    /// [`DutError::Qmp`] when QEMU refuses, ends, or does not answer within ten seconds.
    pub async fn execute(&mut self, command: &str, arguments: Value) -> Result<Value, DutError> {
        self.number += 1;
        let number = self.number;
        let message = json!({ "execute": command, "arguments": arguments, "id": number });
        let line = format!("{message}\n");
        self.commands
            .write_all(line.as_bytes())
            .await
            .map_err(|e| DutError::Qmp(format!("`{command}`: {e}")))?;
        loop {
            let mut message = self.message(command).await?;
            if message["id"] != number {
                // An event, or the answer to a command that nobody waited for to the end.
                continue;
            }
            if let Some(error) = message.get("error") {
                return Err(DutError::Qmp(format!("`{command}`: {}", error["desc"])));
            }
            if let Some(value) = message.get_mut("return") {
                return Ok(value.take());
            }
        }
    }

    /// Reads a 32-bit word at a physical address.
    ///
    /// # Errors
    /// As [`Self::execute`].
    pub async fn word(&mut self, address: u32) -> Result<u32, DutError> {
        let line = format!("xp /1wx {address:#x}");
        let answer = self
            .execute("human-monitor-command", json!({ "command-line": line }))
            .await?;
        let text = answer.as_str().unwrap_or_default();
        word_in(text).ok_or_else(|| DutError::Qmp(format!("`{line}` was answered by {text:?}")))
    }

    async fn message(&mut self, awaited: &str) -> Result<Value, DutError> {
        let line = tokio::time::timeout(PATIENCE, self.answers.next_line())
            .await
            .map_err(|_| {
                let seconds = PATIENCE.as_secs();
                DutError::Qmp(format!(
                    "`{awaited}`: no answer within {seconds} s: QEMU hangs"
                ))
            })?
            .map_err(|e| DutError::Qmp(format!("`{awaited}`: {e}")))?
            .ok_or_else(|| DutError::Qmp(format!("`{awaited}`: QEMU has ended")))?;
        serde_json::from_str(&line).map_err(|e| DutError::Qmp(format!("`{awaited}`: {e}: {line}")))
    }
}

/// The word in the monitor's answer, as `000000009d020008: 0x00000001`.
fn word_in(answer: &str) -> Option<u32> {
    let (_, word) = answer.trim().split_once(": 0x")?;
    u32::from_str_radix(word, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A QEMU that says these lines, whatever it is asked.
    async fn connected(lines: &'static str) -> Result<Qmp, DutError> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("qmp");
        let listener = tokio::net::UnixListener::bind(&socket).unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(lines.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            // What it is told is taken: a command that cannot be sent would be another error.
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
        });
        Qmp::connect(&socket).await
    }

    #[tokio::test]
    async fn events_and_late_answers_are_passed_over_and_a_refusal_is_explained() {
        let said = concat!(
            "{\"QMP\": {}}\n{\"return\": {}, \"id\": 1}\n",
            "{\"event\": \"STOP\"}\n{\"return\": 6, \"id\": 1}\n{\"return\": 7, \"id\": 2}\n",
            "{\"error\": {\"class\": \"GenericError\", \"desc\": \"Device 'n9' not found\"}, \"id\": 3}\n"
        );
        let mut qmp = connected(said).await.unwrap();
        assert_eq!(qmp.execute("stop", json!({})).await.unwrap(), 7);
        let refused = qmp.execute("set_link", json!({})).await.unwrap_err();
        assert!(refused.to_string().contains("Device 'n9' not found"));
        let ended = qmp.execute("cont", json!({})).await.unwrap_err();
        assert!(ended.to_string().contains("`cont`"), "{ended}");
    }

    #[test]
    fn a_word_is_read_from_the_monitors_answer() {
        assert_eq!(word_in("000000009d020008: 0x0000000a\r\n"), Some(10));
        assert_eq!(word_in("Cannot access memory\r\n"), None);
    }
}
