//! A download that takes long, or finds nobody: the device waits as long as it should, and serves meanwhile.

use super::download::{NEEDS, SIZE, length};
use super::download_reply::{Outcome, settle};
use super::offer::{Offer, begin, exchange_of, running_slot, send, unharmed};
use super::slow::prompt;
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::download_server::response;
use crate::profile::Capability;

pub(super) fn cases() -> Vec<Case> {
    [
        Case::new(
            Level::Policy,
            "http/download/url-of-an-unknown-name",
            &["FIRMPROOF-UPDATE-20"],
            "A name that nobody resolves is refused with a named reason",
            |bench| unreachable(bench, "http://no-such-host.invalid/image.bin", "FIRMPROOF-UPDATE-20"),
        ),
        Case::new(
            Level::Policy,
            "http/download/nobody-listens",
            &["FIRMPROOF-UPDATE-10"],
            "A server that refuses the connection is given up, with a named reason",
            |bench| unreachable(bench, "$PEER:9/image.bin", "FIRMPROOF-UPDATE-10"),
        ),
        Case::new(
            Level::Policy,
            "http/download/slow-but-steady",
            &["FIRMPROOF-UPDATE-5", "FIRMPROOF-HTTP-2"],
            "An image that comes slowly but steadily becomes ready, and the device serves meanwhile",
            slow_but_steady,
        ),
        Case::new(
            Level::Policy,
            "http/download/second-offer-meanwhile",
            &["FIRMPROOF-UPDATE-4", "FIRMPROOF-UPDATE-2"],
            "An offer during a download is refused, and the download goes on",
            second_offer,
        ),
        Case::new(
            Level::Policy,
            "http/download/retry-after",
            &["FIRMPROOF-UPDATE-24"],
            "A server that is unavailable and says for how long is asked again then, and not before",
            retry_after,
        )
        .needs(&[Capability::TimeScale]),
        Case::new(
            Level::Policy,
            "http/download/retry-after-a-year",
            &["FIRMPROOF-UPDATE-24", "FIRMPROOF-UPDATE-10"],
            "A server that is unavailable for a year does not keep the update for a year",
            retry_after_a_year,
        )
        .needs(&[Capability::TimeScale]),
    ]
    .map(|case| case.needs(NEEDS))
    .to_vec()
}

/// The update goes on to its good end.
async fn ends_ready(bench: &Bench, statement: &str) -> Judged {
    let ended = bench
        .event(PATIENCE, |line| {
            line.is("update.ready") || line.is("update.failed")
        })
        .await?;
    let ready = ended.as_ref().is_some_and(|line| line.is("update.ready"));
    let seen = ended.map_or_else(|| bench.with_console("neither"), |line| line.text);
    require(ready, statement, "event=update.ready", seen)
}

async fn unreachable(bench: Bench, url: &'static str, statement: &'static str) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let peer = format!("http://{}", bench.lab().peer_address(1));
    let offer = Offer {
        url: Some(url.replace("$PEER", &peer)),
        ..Offer::good(&bench, SIZE, 1)
    };
    let ending = offer
        .install(&bench, &mut server, |request, _| {
            Err(Stop::fail(
                statement,
                "no request here",
                request.to_string(),
            ))
        })
        .await?;
    settle(&bench, &slot, &offer, &ending, statement, Outcome::Failed).await
}

async fn slow_but_steady(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-5";
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, 4_000, 1);
    let reply = response("200 OK", &length(&offer), &offer.image);
    offer.post(&bench, &server).await?;
    let exchange = exchange_of(server.next(PATIENCE).await)?;
    let mut tick = tokio::time::interval(bench.device_time(1.0));
    for (n, piece) in reply.chunks(100).enumerate() {
        // The stimulus is the pace itself: a hundred octets per device second.
        tick.tick().await;
        send(&exchange, piece).await?;
        if n == 20 {
            prompt(&bench, "FIRMPROOF-HTTP-2").await?;
        }
    }
    drop(exchange);
    ends_ready(&bench, STATEMENT).await
}

async fn second_offer(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-4";
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let reply = response("200 OK", &length(&offer), &offer.image);
    offer.post(&bench, &server).await?;
    let exchange = exchange_of(server.next(PATIENCE).await)?;
    send(&exchange, &reply[..5_000]).await?;
    let seen = offer.offered(&bench, &server).await?;
    let refused = (400..500).contains(&seen.status);
    require(refused, STATEMENT, "a 4xx", seen.to_string())?;
    let state = bench.state().await?;
    let goes_on = state["update"]["state"] == "downloading";
    require(
        goes_on,
        STATEMENT,
        "the download goes on",
        state["update"].to_string(),
    )?;
    send(&exchange, &reply[5_000..]).await?;
    drop(exchange);
    ends_ready(&bench, STATEMENT).await
}

async fn retry_after(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-24";
    const WAIT_S: f64 = 20.0;
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let mut asked_at = None;
    let wait = bench.device_time(WAIT_S);
    let ending = offer
        .install(&bench, &mut server, |_, n| {
            let now = tokio::time::Instant::now();
            if n == 0 {
                asked_at = Some(now);
                let fields = "Retry-After: 20\r\nContent-Length: 0\r\n";
                return Ok(response("503 Service Unavailable", fields, b""));
            }
            let waited = asked_at.map_or(wait, |at| now - at);
            let seen = format!(
                "after {:.1} device seconds",
                waited.as_secs_f64() / wait.as_secs_f64() * WAIT_S
            );
            require(
                waited >= wait.mul_f64(0.95),
                STATEMENT,
                "asked again after 20 device seconds",
                seen,
            )?;
            Ok(response("200 OK", &length(&offer), &offer.image))
        })
        .await?;
    ending.ready(STATEMENT, 1).map(drop)
}

async fn retry_after_a_year(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-24";
    /// Device seconds within which the update has to have ended: its attempts, each of some minutes.
    const LONGEST_S: f64 = 1_800.0;
    let mut server = begin(&bench).await?;
    // Begun again at a speed at which half an hour is half a minute.
    bench.cut_power().await?;
    bench.scale_time(100);
    bench.start().await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    offer.post(&bench, &server).await?;
    let deadline = PATIENCE + bench.device_time(LONGEST_S);
    let ended = bench.event(deadline, |line| line.is("update.failed"));
    let answering = async {
        while let Ok(exchange) = server.next(deadline).await {
            let fields = "Retry-After: 31536000\r\nContent-Length: 0\r\n";
            if send(&exchange, &response("503 Service Unavailable", fields, b""))
                .await
                .is_err()
            {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let line = tokio::select! {
        line = ended => line?,
        () = answering => None,
    };
    let expected = format!("event=update.failed within {LONGEST_S} device seconds");
    require(
        line.is_some(),
        STATEMENT,
        expected,
        bench.with_console("none"),
    )?;
    unharmed(&bench, &slot).await
}
