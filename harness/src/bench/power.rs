//! The device's power: on, ready, alive, cut.

use std::net::SocketAddrV4;
use std::time::Duration;

use firmproof_bootconfig::BootConfig;

use super::{Bench, lock};
use crate::case::{Judged, Stop};
use crate::dut::process::POWER_CUT;
use crate::dut::{DutError, Ready};
use crate::profile::{Capability, Kind, Liveness};

impl Bench {
    /// Starts the device and waits until it is ready.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] with the device's last console lines, when it does not get there.
    pub async fn start(&self) -> Judged {
        let began = std::time::Instant::now();
        self.power_on().await?;
        self.ready().await?;
        if self.0.device.lock().await.life().is_some() {
            let took = began.elapsed().as_secs_f64() * 1000.0;
            self.0.evidence.metrics.set("start_to_ready_ms", took);
        }
        Ok(())
    }

    /// Starts the device without waiting for it.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when it cannot be started.
    pub async fn power_on(&self) -> Judged {
        self.watch_state_topic().await?;
        let boot = self.boot()?;
        self.hide_secrets(&boot.config);
        *lock(&self.0.started_at) = self.0.evidence.console.mark();
        self.0.evidence.transcript.note("power on");
        let mut device = self.0.device.lock().await;
        device
            .power_on(&boot, &self.0.evidence.console)
            .await
            .map_err(unable)?;
        if let Some(life) = device.life() {
            let ended = self.0.ended.clone();
            tokio::spawn(async move {
                let how = life.end().await;
                if how != POWER_CUT {
                    ended.send_replace(Some(how));
                }
            });
        }
        Ok(())
    }

    fn hide_secrets(&self, config: &BootConfig) {
        let secrets = &self.0.evidence.secrets;
        secrets.hide(config.update.token.as_bytes());
        if let Some(password) = config.mqtt.as_ref().and_then(|mqtt| mqtt.password.as_ref()) {
            secrets.hide(password);
        }
    }

    /// Waits until the device is ready.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] with the device's last console lines.
    pub async fn ready(&self) -> Judged {
        let ready = self.0.device.lock().await.ready();
        match ready {
            Ready::Line(text, deadline) => self.ready_line(&text, deadline).await,
            Ready::Port(deadline) => self.ready_port(deadline).await,
        }
    }

    async fn ready_line(&self, text: &str, deadline: Duration) -> Judged {
        let mark = *lock(&self.0.started_at);
        let console = &self.0.evidence.console;
        let line = console.wait(mark, deadline, |l| l.text.contains(text));
        tokio::select! {
            // A device that said so and ended at once was ready.
            biased;
            found = line => if found.is_some() { return Ok(()) },
            how = self.death() => return Err(self.died_early(&how)),
        }
        Err(Stop::inconclusive(self.with_console(&format!(
            "the device was not ready within {} s: no console line with `{text}`",
            deadline.as_secs_f32()
        ))))
    }

    async fn ready_port(&self, deadline: Duration) -> Judged {
        if self.0.profile.at.http.is_none() {
            return Ok(());
        }
        let at = self.http_address()?;
        let open = async {
            loop {
                if tokio::net::TcpStream::connect(at).await.is_ok() {
                    return;
                }
                // Nothing tells when a foreign process begins to listen: ask again shortly.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
                    opened = tokio::time::timeout(deadline, open) => opened.map_err(|_| Stop::inconclusive(
        self.never_listened(at, deadline))),
                    how = self.death() => Err(self.died_early(&how)),
                }
    }

    /// What was waited for, and which keys of the profile make it wait longer.
    fn never_listened(&self, at: SocketAddrV4, deadline: Duration) -> String {
        let keys = match self.profile().start {
            Some(_) => {
                "`start.deadline_s` of the profile is how long it may take, `jobs` how many start at a time"
            }
            None => "`at.wait_s` of the profile is how long it may take",
        };
        let seconds = deadline.as_secs_f32();
        self.with_console(&format!(
            "nothing listens on {at} after {seconds} s; {keys}"
        ))
    }

    fn died_early(&self, how: &str) -> Stop {
        let what = match self.0.profile.kind {
            Kind::Qemu => "QEMU",
            Kind::Host | Kind::Probe | Kind::External => "the device",
        };
        let text = format!("{what} ended ({how}) before the device was ready");
        Stop::inconclusive(self.with_console(&text))
    }

    /// Waits until the device's process has ended; for ever when it has none.
    async fn death(&self) -> String {
        let life = self.0.device.lock().await.life();
        match life {
            Some(life) => life.end().await,
            None => std::future::pending().await,
        }
    }

    /// Cuts the device's power; its flash stays.
    ///
    /// # Errors
    /// [`Stop::Skip`] when the profile lacks `power`.
    pub async fn cut_power(&self) -> Judged {
        self.need(Capability::Power)?;
        let mut device = self.0.device.lock().await;
        device.switch_off().await.map_err(unable)?;
        drop(device);
        self.0.evidence.transcript.note("power cut");
        Ok(())
    }

    /// Erases the device's flash, while its power is off.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when that does not succeed.
    pub async fn erase_flash(&self) -> Judged {
        self.0
            .device
            .lock()
            .await
            .erase_flash()
            .await
            .map_err(unable)?;
        self.0.evidence.transcript.note("the flash is erased");
        Ok(())
    }

    /// Whether the device lives: its process runs or, where its [`Liveness`] lets it, has ended by itself; its
    /// console tells of no panic, no crash and no unasked restart.
    ///
    /// # Errors
    /// [`Stop::Fail`] with what the console says.
    pub async fn alive(&self, statement: &str) -> Judged {
        let life = self.0.device.lock().await.life();
        let may_end = self.0.profile.liveness().may_end();
        let life = life.filter(|life| !may_end || life.crashed());
        let ended = life.and_then(|life| life.ended());
        let lines = self.console();
        let boots = lines.iter().filter(|l| l.is("ready")).count();
        let panic = lines.iter().find(|l| l.is("panic"));
        let wrong = match (panic, ended) {
            (Some(line), _) => Some(line.text.clone()),
            (None, Some(how)) => Some(format!("its process ended: {how}")),
            (None, None) if boots > 1 => Some("it restarted".into()),
            (None, None) => None,
        };
        match wrong {
            Some(seen) => Err(Stop::fail(
                statement,
                "the device is still alive",
                self.with_console(&seen),
            )),
            None => Ok(()),
        }
    }

    /// Waits until the device's process has ended by itself; for ever when it has none.
    pub async fn until_ended(&self) {
        self.death().await;
    }

    /// How the device's process ended, when it has.
    pub async fn ended(&self) -> Option<String> {
        self.0.device.lock().await.life()?.ended()
    }

    /// Starts a program again that has ended by itself, where its profile says that it may.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn restart_if_ended(&self) -> Judged {
        if self.0.profile.liveness() != Liveness::Restarted {
            return Ok(());
        }
        match self.ended().await {
            Some(how) => {
                let transcript = &self.0.evidence.transcript;
                transcript.note(format!("the program ended ({how}), and is started again"));
                self.start().await
            }
            None => Ok(()),
        }
    }

    /// Ends the device. The evidence stays.
    pub async fn end(&self) {
        self.0.device.lock().await.cut_power().await;
    }
}

pub(super) fn unable(error: DutError) -> Stop {
    Stop::inconclusive(error.to_string())
}
