//! The device as an HTTP client: the download of a signed image, and what must not become one.

use super::offer::{
    Ending, Offer, SCALE, begin, exchange_of, restarts_from, running_slot, send, told, unharmed,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, require};
use crate::peers::download_server::{DownloadServer, byte_range, chunked, response};
use crate::profile::Capability;

pub(super) const NEEDS: &[Capability] = &[
    Capability::Http,
    Capability::Configure,
    Capability::Update,
    Capability::ObserveState,
    Capability::ObserveConsole,
    Capability::Power,
];
pub(super) const SIZE: u32 = 20_000;

pub(super) fn cases() -> Vec<Case> {
    let cases = vec![
        Case::must(
            "http/download/content-length",
            &[
                "FIRMPROOF-UPDATE-5",
                "FIRMPROOF-UPDATE-15",
                "FIRMPROOF-UPDATE-17",
            ],
            "An image whose length Content-Length gives becomes ready in the slot that does not run, and boots",
            |bench| {
                installs(bench, |offer| {
                    response("200 OK", &length(offer), &offer.image)
                })
            },
        ),
        Case::must(
            "http/download/chunked",
            &["FIRMPROOF-UPDATE-5", "RFC9112-7.1-1", "FIRMPROOF-UPDATE-15"],
            "An image in chunks becomes ready in the slot that does not run, and boots",
            |bench| {
                installs(bench, |offer| {
                    let body = chunked(&offer.image, 999);
                    response("200 OK", "Transfer-Encoding: chunked\r\n", &body)
                })
            },
        ),
        Case::must(
            "http/download/interim-responses",
            &["RFC9110-15.2-1", "FIRMPROOF-UPDATE-5"],
            "Interim responses before the image are passed over",
            |bench| {
                installs(bench, |offer| {
                    let mut bytes = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".to_vec();
                    bytes.extend(response("200 OK", &length(offer), &offer.image));
                    bytes
                })
            },
        ),
        policy(
            "resumed",
            &[
                "FIRMPROOF-UPDATE-10",
                "RFC9110-13.1.5-1",
                "RFC9110-13.1.5-2",
            ],
            "A download cut short is resumed by Range from the byte reached",
            resumed,
        ),
        policy(
            "begun-anew-at-200",
            &["FIRMPROOF-UPDATE-11"],
            "A server that answers a resumption by 200 has the download begin anew",
            begun_anew,
        ),
        Case::must(
            "http/download/part-of-another-image",
            &["RFC9110-15.3.7.3-1", "FIRMPROOF-UPDATE-8"],
            "A part under another strong validator is not combined with what was stored",
            part_of_another_image,
        ),
        policy(
            "attempts-bounded",
            &[
                "FIRMPROOF-UPDATE-10",
                "FIRMPROOF-UPDATE-6",
                "RFC9112-6.3-7",
                "RFC9112-8-2",
                "RFC9110-9.2.2-1",
            ],
            "A download that always breaks off is given up, with a named reason",
            attempts_bounded,
        ),
        policy(
            "signature-by-another-key",
            &["FIRMPROOF-UPDATE-9", "FIRMPROOF-UPDATE-14"],
            "An image that another key signed is refused with a named reason",
            |bench| refuses_offer(bench, Offer::of_a_stranger),
        ),
        policy(
            "signature-for-another-version",
            &["FIRMPROOF-UPDATE-9", "FIRMPROOF-UPDATE-14"],
            "A signature made for another version is refused with a named reason",
            |bench| {
                refuses_offer(bench, |bench, size, version| Offer {
                    version: version + 1,
                    ..Offer::good(bench, size, version)
                })
            },
        ),
        policy(
            "signature-damaged",
            &["FIRMPROOF-UPDATE-9", "FIRMPROOF-UPDATE-14"],
            "A signature with one bit changed is refused with a named reason",
            |bench| {
                refuses_offer(bench, |bench, size, version| {
                    let mut offer = Offer::good(bench, size, version);
                    offer.signature[7] ^= 0x10;
                    offer
                })
            },
        ),
        policy(
            "redirect-followed-when-configured",
            &["FIRMPROOF-UPDATE-12"],
            "A redirect is followed when the configuration lets it",
            redirect_followed,
        ),
        policy(
            "version-replay",
            &["FIRMPROOF-UPDATE-21"],
            "An image whose version is not above every accepted one is refused with a named reason",
            version_replay,
        ),
        policy(
            "power-cut",
            &["FIRMPROOF-UPDATE-15", "FIRMPROOF-UPDATE-14"],
            "A power cut in the middle of a download leaves the running slot, and a later download works",
            power_cut,
        ),
        policy(
            "trial-rolled-back",
            &["FIRMPROOF-UPDATE-16"],
            "An image that does not confirm itself after its first boot is rolled back",
            trial_rolled_back,
        ),
    ];
    cases.into_iter().map(|case| case.needs(NEEDS)).collect()
}

fn policy<F, R>(name: &str, statements: &[&'static str], requirement: &'static str, body: F) -> Case
where
    F: Fn(Bench) -> R + Send + Sync + 'static,
    R: Future<Output = Judged> + Send + 'static,
{
    let id = format!("http/download/{name}");
    Case::new(Level::Policy, id, statements, requirement, body)
}

pub(super) fn length(offer: &Offer) -> String {
    format!("Content-Length: {}\r\n", offer.image.len())
}

pub(super) fn etagged(offer: &Offer, etag: &str) -> Vec<u8> {
    let fields = format!("{}ETag: {etag}\r\n", length(offer));
    response("200 OK", &fields, &offer.image)
}

/// The part from `first` on, as a 206.
pub(super) fn part(offer: &Offer, first: usize, etag: &str) -> Vec<u8> {
    let (rest, whole) = (&offer.image[first..], offer.image.len());
    let fields = format!(
        "Content-Length: {}\r\nContent-Range: bytes {first}-{}/{whole}\r\nETag: {etag}\r\n",
        rest.len(),
        whole - 1
    );
    response("206 Partial Content", &fields, rest)
}

async fn refuses_offer(bench: Bench, make: fn(&Bench, u32, u32) -> Offer) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = make(&bench, SIZE, 1);
    whole(&bench, &mut server, &offer)
        .await?
        .failed("FIRMPROOF-UPDATE-9")?;
    unharmed(&bench, &slot).await
}

/// An update whose server sends the whole image as it should.
async fn whole(bench: &Bench, server: &mut DownloadServer, offer: &Offer) -> Judged<Ending> {
    let reply = response("200 OK", &length(offer), &offer.image);
    offer.install(bench, server, |_, _| Ok(reply.clone())).await
}

async fn installs(bench: Bench, reply: fn(&Offer) -> Vec<u8>) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-5";
    let mut server = begin(&bench).await?;
    let before = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 7);
    let reply = reply(&offer);
    let ending = offer
        .install(&bench, &mut server, |_, _| Ok(reply.clone()))
        .await?;
    let slot = ending.ready(STATEMENT, offer.version)?;
    require(
        slot != before,
        STATEMENT,
        format!("the image is in the slot that does not run, not in {before}"),
        format!("slot {slot}"),
    )?;
    let seen = format!("{} requests", ending.requests);
    require(ending.requests == 1, STATEMENT, "one request", seen)?;
    bench.alive(STATEMENT).await?;
    restarts_from(&bench, "FIRMPROOF-UPDATE-15", &slot).await
}

async fn resumed(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-10";
    const ETAG: &str = "\"one\"";
    const CUT: usize = 12_001;
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let first = etagged(&offer, ETAG);
    let cut = first.len() - offer.image.len() + CUT;
    let ending = offer
        .install(&bench, &mut server, |request, n| {
            if n == 0 {
                return Ok(first[..cut].to_vec());
            }
            let asked = byte_range(request);
            let last = offer.image.len() as u64 - 1;
            require(
                asked == Some((CUT as u64, None)) || asked == Some((CUT as u64, Some(last))),
                STATEMENT,
                format!("Range: bytes={CUT}-"),
                request.to_string(),
            )?;
            if let Some(validator) = request.field("if-range") {
                let seen = format!("If-Range: {validator}");
                require(
                    validator == ETAG,
                    "RFC9110-13.1.5-2",
                    "the strong entity tag",
                    seen,
                )?;
            }
            Ok(part(&offer, CUT, ETAG))
        })
        .await?;
    ending.ready(STATEMENT, 1)?;
    let seen = format!("{} requests", ending.requests);
    require(ending.requests == 2, STATEMENT, "two requests", seen)
}

async fn begun_anew(bench: Bench) -> Judged {
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let reply = etagged(&offer, "\"one\"");
    let ending = offer
        .install(&bench, &mut server, |_, n| {
            let end = if n == 0 { 9_000 } else { reply.len() };
            Ok(reply[..end].to_vec())
        })
        .await?;
    ending.ready("FIRMPROOF-UPDATE-11", 1).map(drop)
}

async fn part_of_another_image(bench: Bench) -> Judged {
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let other = Offer::good(&bench, SIZE, 2);
    let first = etagged(&offer, "\"one\"");
    let ending = offer
        .install(&bench, &mut server, |request, n| {
            match byte_range(request) {
                _ if n == 0 => Ok(first[..9_000].to_vec()),
                Some((from, _)) if from < u64::from(SIZE) => {
                    Ok(part(&other, from as usize, "\"two\""))
                }
                _ => Ok(first.clone()),
            }
        })
        .await?;
    // Either end is right: refused, or asked for again as a whole. Only a mixture is not.
    if ending.requests > 2 {
        return ending.ready("RFC9110-15.3.7.3-1", 1).map(drop);
    }
    ending.failed("RFC9110-15.3.7.3-1")
}

async fn attempts_bounded(bench: Bench) -> Judged {
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let reply = etagged(&offer, "\"one\"");
    let ending = offer
        .install(&bench, &mut server, |_, _| Ok(reply[..9_000].to_vec()))
        .await?;
    ending.failed("FIRMPROOF-UPDATE-6")?;
    require(
        ending.requests > 1,
        "FIRMPROOF-UPDATE-10",
        "more than one attempt",
        "one request",
    )?;
    unharmed(&bench, &slot).await
}

async fn redirect_followed(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-12";
    bench.configure(|config| config.update.max_redirects = 1);
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let ending = offer
        .install(&bench, &mut server, |request, n| {
            if n == 0 {
                let fields = "Location: /moved/image.bin?a=b\r\nContent-Length: 0\r\n";
                return Ok(response("307 Temporary Redirect", fields, b""));
            }
            let target = &request.target;
            require(
                target == "/moved/image.bin?a=b",
                STATEMENT,
                "the new target",
                target,
            )?;
            Ok(response("200 OK", &length(&offer), &offer.image))
        })
        .await?;
    ending.ready(STATEMENT, 1).map(drop)
}

async fn version_replay(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-21";
    let mut server = begin(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 5);
    whole(&bench, &mut server, &offer)
        .await?
        .ready("FIRMPROOF-UPDATE-5", 5)?;
    for version in [5, 4, 1] {
        let offer = Offer::good(&bench, SIZE, version);
        whole(&bench, &mut server, &offer)
            .await?
            .failed(STATEMENT)?;
    }
    // What was accepted once stays accepted: it boots, confirms itself, and still refuses the old.
    bench.scale_time(100);
    bench.cut_power().await?;
    bench.start().await?;
    told(&bench, "FIRMPROOF-UPDATE-16", PATIENCE, "update.confirmed").await?;
    // Not at that speed: while an emulated device checks a signature, its connections would run out of time.
    bench.scale_time(SCALE);
    bench.cut_power().await?;
    bench.start().await?;
    let offer = Offer::good(&bench, SIZE, 5);
    whole(&bench, &mut server, &offer).await?.failed(STATEMENT)
}

async fn power_cut(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-15";
    const LARGE: u32 = 200_000;
    let mut server = begin(&bench).await?;
    let slot = running_slot(&bench).await?;
    let offer = Offer::good(&bench, LARGE, 1);
    offer.post(&bench, &server).await?;
    let exchange = exchange_of(server.next(PATIENCE).await)?;
    let reply = response("200 OK", &length(&offer), &offer.image);
    send(&exchange, &reply[..150_000]).await?;
    // The device has written part of the slot: it tells so each 64 KiB.
    told(&bench, STATEMENT, PATIENCE, "update.progress").await?;
    restarts_from(&bench, STATEMENT, &slot).await?;
    drop(exchange);
    restarts_from(&bench, STATEMENT, &slot).await?;
    let other = whole(&bench, &mut server, &offer)
        .await?
        .ready(STATEMENT, 1)?;
    restarts_from(&bench, STATEMENT, &other).await
}

async fn trial_rolled_back(bench: Bench) -> Judged {
    const STATEMENT: &str = "FIRMPROOF-UPDATE-16";
    let mut server = begin(&bench).await?;
    let before = running_slot(&bench).await?;
    let offer = Offer::good(&bench, SIZE, 1);
    let slot = whole(&bench, &mut server, &offer)
        .await?
        .ready(STATEMENT, 1)?;
    // In its own time, so that the trial cannot end before the power does.
    bench.scale_time(1);
    restarts_from(&bench, STATEMENT, &slot).await?;
    restarts_from(&bench, STATEMENT, &before).await?;
    let line = told(&bench, STATEMENT, PATIENCE, "update.rolled_back").await?;
    require(
        line.field("slot") == Some(&slot),
        STATEMENT,
        format!("event=update.rolled_back slot={slot}"),
        line.text,
    )
}
