//! What the form does to the board: the register that lamp and beeper hang on, as the emulator shows it.

use super::exchange::response;
use crate::bench::Bench;
use crate::case::{Case, Judged, Level, require};
use crate::profile::Capability;

/// The bits of lamp and beeper.
const LAMP: u32 = 1 << 0;
const BEEPER: u32 = 1 << 1;

pub(super) fn cases() -> Vec<Case> {
    let output = |name, statement, requirement, forms: &'static [(&'static str, u32)]| {
        let id = format!("http/page/{name}");
        let body = move |bench| lights(bench, statement, forms);
        Case::new(Level::Policy, id, &[statement], requirement, body).needs(&[
            Capability::Http,
            Capability::Page,
            Capability::MonitorLeds,
        ])
    };
    vec![
        output(
            "lamp-is-lit",
            "FIRMPROOF-PAGE-2",
            "The form lights the lamp and puts it out, and leaves the beeper alone",
            &[
                ("led1=1", LAMP),
                ("beep=3", LAMP | BEEPER),
                ("led1=2", BEEPER),
            ],
        ),
        output(
            "beeper-sounds",
            "FIRMPROOF-PAGE-3",
            "The form turns the beeper on and off, and leaves the lamp alone",
            &[
                ("beep=3", BEEPER),
                ("led1=1", BEEPER | LAMP),
                ("beep=4", LAMP),
            ],
        ),
    ]
}

/// Sends each form in turn and reads the register. It is read when the answer is here: an answer that
/// came before the deed would be one to an order, not to a fact.
async fn lights(
    bench: Bench,
    statement: &'static str,
    forms: &'static [(&'static str, u32)],
) -> Judged {
    bench.start().await?;
    let before = bench.led_register().await?;
    require(
        before == 0,
        statement,
        "all dark after the start",
        format!("{before:#x}"),
    )?;
    for (form, leds) in forms {
        let mut connection = bench.http().await?;
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
            connection.host(),
            form.len()
        );
        connection.send(request.as_bytes()).await;
        let seen = response(&mut connection, "POST", statement).await?;
        require(
            seen.status < 400,
            statement,
            "the form is taken",
            seen.to_string(),
        )?;
        let shown = bench.led_register().await?;
        require(
            shown == *leds,
            statement,
            format!("{leds:#x} in the LED register after {form}"),
            format!("{shown:#x}"),
        )?;
    }
    bench.alive(statement).await
}
