//! Connections and power cut at every tenth of an image, and connections that end otherwise than by FIN.

use super::download::{NEEDS, etagged, length, part};
use super::offer::{Offer, Reply, begin, exchange_of, restarts_from, running_slot, send, told};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, Stop, require};
use crate::peers::download_server::{byte_range, response};

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, statements: &[&'static str], requirement: &'static str| {
        (
            format!("http/download/{name}"),
            statements.to_vec(),
            requirement,
        )
    };
    let (tenths, tenths_statements, tenths_requirement) = case(
        "cut-at-every-tenth",
        &[
            "FIRMPROOF-UPDATE-10",
            "RFC9110-13.1.5-1",
            "RFC9110-15.3.7.3-3",
        ],
        "A connection cut at any tenth of the image is resumed by Range from that byte, and the image becomes ready",
    );
    let (power, power_statements, power_requirement) = case(
        "power-cut-at-every-tenth",
        &["FIRMPROOF-UPDATE-15", "FIRMPROOF-UPDATE-14"],
        "A power cut at any tenth of the image leaves the running slot, and nothing bootable in the other",
    );
    let (reset, reset_statements, reset_requirement) = case(
        "cut-by-reset",
        &["FIRMPROOF-UPDATE-10"],
        "A connection that is reset is resumed as one that is closed",
    );
    let (silence, silence_statements, silence_requirement) = case(
        "cut-by-silence",
        &["FIRMPROOF-UPDATE-10", "FIRMPROOF-UPDATE-18"],
        "A connection that falls silent is given up, and resumed on another",
    );
    let (replaced, replaced_statements, replaced_requirement) = case(
        "power-cut-while-a-ready-image-is-replaced",
        &["FIRMPROOF-UPDATE-15", "FIRMPROOF-UPDATE-14"],
        "A power cut while another image is written over a ready one leaves nothing bootable in the slot",
    );
    [
        Case::new(
            Level::Policy,
            replaced,
            &replaced_statements,
            replaced_requirement,
            power_while_replaced,
        ),
        Case::new(
            Level::Policy,
            tenths,
            &tenths_statements,
            tenths_requirement,
            cut_at_tenths,
        ),
        Case::new(
            Level::Policy,
            power,
            &power_statements,
            power_requirement,
            power_at_tenths,
        ),
        Case::new(
            Level::Policy,
            reset,
            &reset_statements,
            reset_requirement,
            |bench| ended_by(bench, Reply::resetting),
        ),
        Case::new(
            Level::Policy,
            silence,
            &silence_statements,
            silence_requirement,
            |bench| ended_by(bench, Reply::holding),
        ),
    ]
    .into_iter()
    .map(|case| case.needs(NEEDS))
    .collect()
}

const ETAG: &str = "\"one\"";

async fn cut_at_tenths(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-10";
    const LENGTH: u32 = 50_000;
    let mut server = begin(&bench).await?;
    for tenth in 1..=9 {
        let offer = Offer::good(&bench, LENGTH, tenth);
        let cut = (LENGTH / 10 * tenth) as usize;
        let first = etagged(&offer, ETAG);
        let head = first.len() - offer.image.len();
        let ending = offer
            .install(&bench, &mut server, |request, n| {
                if n == 0 {
                    return Ok(first[..head + cut].to_vec());
                }
                let asked = byte_range(request).map(|(from, _)| from);
                require(
                    asked == Some(cut as u64),
                    STATEMENT,
                    format!("Range: bytes={cut}-"),
                    request.to_string(),
                )?;
                Ok(part(&offer, cut, ETAG))
            })
            .await?;
        ending.ready(STATEMENT, tenth)?;
        let seen = format!("{} requests", ending.requests);
        require(ending.requests == 2, STATEMENT, "two requests", seen)?;
    }
    bench.alive(STATEMENT).await
}

async fn power_at_tenths(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-15";
    const LENGTH: u32 = 200_000;
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, LENGTH, 1);
    let reply = response("200 OK", &length(&offer), &offer.image);
    let head = reply.len() - offer.image.len();
    for tenth in 1..=9 {
        offer.post(&bench, &server).await?;
        let exchange = exchange_of(server.next(PATIENCE).await)?;
        let sent = head + (LENGTH / 10 * tenth) as usize;
        send(&exchange, &reply[..sent]).await?;
        let taken = exchange.acknowledged(PATIENCE).await;
        taken.map_err(|e| Stop::inconclusive(format!("download server: {e}")))?;
        restarts_from(&bench, STATEMENT, &slot).await?;
        drop(exchange);
        let state = bench.state().await?;
        let idle = state["update"]["state"] == "idle";
        let seen = format!("after {tenth} tenths: {}", state["update"]);
        require(idle, STATEMENT, "no update is ready", seen)?;
    }
    // The same offer again: nothing of the earlier attempts stands in its way.
    let ending = offer
        .install(&bench, &mut server, |_, _| Ok(reply.clone()))
        .await?;
    let other = ending.ready(STATEMENT, 1)?;
    restarts_from(&bench, STATEMENT, &other).await
}

/// The first connection ends after some of the image, in its own way; the second has the rest.
async fn ended_by(bench: Bench, end: fn(Vec<u8>) -> Reply) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-10";
    const LENGTH: u32 = 20_000;
    const CUT: usize = 9_000;
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, LENGTH, 1);
    let first = etagged(&offer, ETAG);
    let cut = first.len() - offer.image.len() + CUT;
    let ending = offer
        .install_by(&bench, &mut server, |request, n| {
            if n == 0 {
                return Ok(end(first[..cut].to_vec()));
            }
            let from = byte_range(request).map_or(0, |(from, _)| from as usize);
            // A reset may overtake bytes that were not yet read.
            require(
                from <= CUT,
                STATEMENT,
                format!("a range from octet {CUT} or before"),
                request.to_string(),
            )?;
            Ok(Reply::closing(match from {
                0 => first.clone(),
                from => part(&offer, from, ETAG),
            }))
        })
        .await?;
    let other = ending.ready(STATEMENT, 1)?;
    require(other != slot, STATEMENT, "the other slot", other)?;
    told(&bench, STATEMENT, PATIENCE, "update.ready")
        .await
        .map(drop)
}

async fn power_while_replaced(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-15";
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let ready = Offer::good(&bench, 20_000, 1);
    let whole = response("200 OK", &length(&ready), &ready.image);
    let ending = ready
        .install(&bench, &mut server, |_, _| Ok(whole.clone()))
        .await?;
    ending.ready(STATEMENT, 1)?;
    let offer = Offer::good(&bench, 20_000, 2);
    offer.post(&bench, &server).await?;
    let exchange = exchange_of(server.next(PATIENCE).await)?;
    let half = response("200 OK", &length(&offer), &offer.image[..10_000]);
    send(&exchange, &half).await?;
    let taken = exchange.acknowledged(PATIENCE).await;
    taken.map_err(|e| Stop::inconclusive(format!("download server: {e}")))?;
    restarts_from(&bench, STATEMENT, &slot).await?;
    drop(exchange);
    // And again, for a trial would come one start later.
    restarts_from(&bench, STATEMENT, &slot).await
}
