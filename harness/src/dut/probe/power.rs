//! A board's power, switched by a command that the rig names: uhubctl, a relay, a bench supply.

use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

/// How long a power command may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Something that switches a board's power.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait PowerSwitch: Send + Sync {
    /// Switches it on, and waits until the board has it.
    ///
    /// # Errors
    /// See [`PowerError`].
    async fn on(&self) -> Result<(), PowerError>;

    /// Switches it off, and waits until the board has lost it.
    ///
    /// # Errors
    /// See [`PowerError`].
    async fn off(&self) -> Result<(), PowerError>;
}

/// Why the power did not change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PowerError {
    /// The program cannot be started.
    #[error("the power command `{command}` cannot be started: {reason}; check [board.power]")]
    Start {
        /// The command line.
        command: String,
        /// The operating system's reason.
        reason: String,
    },
    /// It reported a failure.
    #[error("the power command `{command}` failed ({status}): {output}")]
    Failed {
        /// The command line.
        command: String,
        /// Its status.
        status: String,
        /// What it wrote to its standard error, the last line.
        output: String,
    },
    /// It does not end.
    #[error("the power command `{command}` did not end within {} s", LIMIT.as_secs())]
    Hangs {
        /// The command line.
        command: String,
    },
}

/// The two commands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowerCommands {
    /// Program and arguments that switch the power on.
    pub on: Vec<String>,
    /// Program and arguments that switch it off.
    pub off: Vec<String>,
    /// Milliseconds from the end of a command until the board has, or has lost, its power.
    #[serde(default = "half_a_second")]
    pub settle_ms: u16,
}

fn half_a_second() -> u16 {
    500
}

impl PowerCommands {
    async fn run(&self, words: &[String]) -> Result<(), PowerError> {
        let command = words.join(" ");
        let Some((program, arguments)) = words.split_first() else {
            return Err(PowerError::Start {
                command,
                reason: "it is empty".into(),
            });
        };
        let running = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .output();
        let output = match tokio::time::timeout(LIMIT, running).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) => {
                return Err(PowerError::Start {
                    command,
                    reason: error.to_string(),
                });
            }
            Err(_) => return Err(PowerError::Hangs { command }),
        };
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            return Err(PowerError::Failed {
                command,
                status: output.status.to_string(),
                output: text.lines().last().unwrap_or("no message").trim().into(),
            });
        }
        // Nothing tells when a capacitor is empty or a regulator is up.
        tokio::time::sleep(Duration::from_millis(self.settle_ms.into())).await;
        Ok(())
    }
}

#[async_trait]
impl PowerSwitch for PowerCommands {
    async fn on(&self) -> Result<(), PowerError> {
        self.run(&self.on).await
    }

    async fn off(&self) -> Result<(), PowerError> {
        self.run(&self.off).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(on: &[&str]) -> PowerCommands {
        PowerCommands {
            on: on.iter().map(ToString::to_string).collect(),
            off: Vec::new(),
            settle_ms: 0,
        }
    }

    #[tokio::test]
    async fn a_command_that_fails_is_told_with_its_status_and_last_line() {
        let error = commands(&["sh", "-c", "echo no such port >&2; exit 3"])
            .on()
            .await
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("exit status: 3"), "{text}");
        assert!(text.ends_with("no such port"), "{text}");
    }

    #[tokio::test]
    async fn a_command_that_is_not_there_is_told_from_one_that_fails() {
        let error = commands(&["/no/such/uhubctl"]).on().await.unwrap_err();
        assert!(matches!(error, PowerError::Start { .. }), "{error}");
        let error = commands(&[]).on().await.unwrap_err();
        assert!(error.to_string().contains("it is empty"), "{error}");
        assert_eq!(commands(&["true"]).on().await, Ok(()));
    }
}
