//! As many clients as the device has sockets, and more: whatever they do with them, the server comes back.

use std::time::Duration;

use super::connection::LONGEST_WAIT_S;
use super::exchange::filled;
use super::slow::prompt;
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop};
use crate::peers::http_prober::{Answer, HttpConnection};
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    let timed = ROWS.iter().map(|row| {
        Case::new(
            Level::Policy,
            format!("http/sockets/{}", row.name),
            &["FIRMPROOF-HTTP-7"],
            row.requirement,
            move |bench| judge(bench, row),
        )
        .needs(&[Capability::Configure, Capability::TimeScale])
    });
    timed
        .chain([
            Case::new(
                Level::Policy,
                "http/sockets/idle-but-one",
                &["FIRMPROOF-HTTP-2", "FIRMPROOF-HTTP-6"],
                "With all sockets idle but one, a client is served at once",
                idle_but_one,
            ),
            Case::new(
                Level::Policy,
                "http/sockets/connect-and-close",
                &["FIRMPROOF-HTTP-6"],
                "A hundred clients that connect and close one after the other leave the server serving",
                connect_and_close,
            ),
            Case::new(
                Level::Policy,
                "http/sockets/vanished-clients",
                &["FIRMPROOF-HTTP-7"],
                "Clients that vanish without a word, as many as there are sockets, are given up",
                vanished,
            )
            .needs(&[
                Capability::Configure,
                Capability::TimeScale,
                Capability::LabFrames,
            ]),
        ])
        .map(|case| case.needs(&[Capability::Http]))
        .collect()
}

/// What each of the clients sends before it stalls, and how many there are beyond the sockets.
struct Row {
    name: &'static str,
    requirement: &'static str,
    sent: &'static [u8],
    beyond: usize,
}

const ROWS: &[Row] = &[
    Row {
        name: "all-idle",
        requirement: "With every socket taken by an idle client, the server comes back within the stated time",
        sent: b"",
        beyond: 0,
    },
    Row {
        name: "more-idle-than-sockets",
        requirement: "With more idle clients than sockets, the server comes back within the stated time",
        sent: b"",
        beyond: 4,
    },
    Row {
        name: "all-within-a-head",
        requirement: "With every socket taken by half a head, the server comes back within the stated time",
        sent: b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nX-",
        beyond: 2,
    },
    Row {
        name: "all-within-content",
        requirement: "With every socket taken by half a form, the server comes back within the stated time",
        sent:
            b"POST $PATH HTTP/1.1\r\nHost: $HOST\r\nContent-Type: application/x-www-form-urlencoded\r\n\
            Content-Length: 6\r\n\r\nled",
        beyond: 2,
    },
    Row {
        name: "all-kept-alive",
        requirement: "With every socket kept alive by a client that was served, the server comes back within the stated time",
        sent: b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\n\r\n",
        beyond: 0,
    },
];

fn sockets(bench: &Bench) -> usize {
    usize::from(bench.profile().http_connections)
}

async fn judge(bench: Bench, row: &'static Row) -> Judged {
    bench.scale_time(100);
    bench.start().await?;
    let mut clients = Vec::new();
    for n in 0..sockets(&bench) + row.beyond {
        match bench.http().await {
            Ok(mut connection) => {
                let bytes = filled(row.sent, &connection);
                if !bytes.is_empty() {
                    connection.send(&bytes).await;
                }
                clients.push(connection);
            }
            // Beyond its sockets a device may refuse, or be silent until one is free.
            Err(Stop::Inconclusive(_)) if n >= sockets(&bench) => {}
            Err(other) => return Err(other),
        }
    }
    comes_back(&bench).await?;
    drop(clients);
    // Their connections may still be closing, each in a socket.
    comes_back(&bench).await?;
    bench.alive("FIRMPROOF-HTTP-7").await
}

/// Asks again and again until a client is served, within the time that every wait of the server must end in.
async fn comes_back(bench: &Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-HTTP-7";
    let within = PATIENCE + bench.device_time(LONGEST_WAIT_S);
    let until = tokio::time::Instant::now() + within;
    let began = tokio::time::Instant::now();
    loop {
        if served(bench).await {
            let metrics = &bench.evidence().metrics;
            metrics.set("came_back_after_ms", began.elapsed().as_secs_f64() * 1000.0);
            return Ok(());
        }
        if tokio::time::Instant::now() >= until {
            let expected = format!("served again within {LONGEST_WAIT_S} device seconds");
            return Err(Stop::fail(
                STATEMENT,
                expected,
                bench.with_console("no answer"),
            ));
        }
    }
}

/// Whether a plain request gets an answer within two seconds of the wall.
async fn served(bench: &Bench) -> bool {
    const PATIENT: Duration = Duration::from_secs(2);
    let Ok(at) = bench.http_address() else {
        return false;
    };
    let opened = HttpConnection::connect(bench.lab(), bench.evidence(), at, PATIENT).await;
    let Ok(connection) = opened else {
        return false;
    };
    let mut connection = connection.of(bench.profile().at.path());
    let request = filled(
        b"GET $PATH HTTP/1.1\r\nHost: $HOST\r\nConnection: close\r\n\r\n",
        &connection,
    );
    connection.send(&request).await;
    matches!(connection.answer(PATIENT, "GET").await, Answer::Response(seen) if seen.status < 500)
}

async fn idle_but_one(bench: Bench) -> Judged {
    bench.start().await?;
    let mut idle = Vec::new();
    for _ in 1..sockets(&bench) {
        idle.push(bench.http().await?);
    }
    prompt(&bench, "FIRMPROOF-HTTP-2").await?;
    drop(idle);
    comes_back(&bench).await?;
    bench.alive("FIRMPROOF-HTTP-6").await
}

async fn connect_and_close(bench: Bench) -> Judged {
    bench.start().await?;
    let mut taken = 0;
    for _ in 0..100 {
        // A device may refuse while its sockets are still closing.
        match bench.http().await {
            Ok(connection) => {
                drop(connection);
                taken += 1;
            }
            Err(Stop::Inconclusive(_)) => {}
            Err(other) => return Err(other),
        }
    }
    bench
        .evidence()
        .metrics
        .set("taken_count", f64::from(taken));
    comes_back(&bench).await?;
    bench.alive("FIRMPROOF-HTTP-6").await
}

async fn vanished(bench: Bench) -> Judged {
    bench.scale_time(100);
    bench.start().await?;
    let at = bench.http_address()?;
    for _ in 0..sockets(&bench) {
        let unable = |error| Stop::inconclusive(format!("no connection to {at}: {error}"));
        let stream = bench.lab().connect(at, PATIENCE).await.map_err(unable)?;
        let request = format!("GET $PATH HTTP/1.1\r\nHost: {at}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(unable)?;
        stream.sent().await.map_err(unable)?;
        stream.vanish().map_err(unable)?;
    }
    comes_back(&bench).await?;
    bench.alive("FIRMPROOF-HTTP-7").await
}
