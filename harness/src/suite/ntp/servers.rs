//! Several servers: whom a client turns to, and whom it believes (RFC 4330 §10; RFC 8633 §3.2 as policy).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::clock::{
    GOOD_TIME, Timeline, configure, gap_s, jitter_s, next_poll, request, require_time,
    require_unset, serve, spoilt, synchronise, unix_s, unsent, until, until_synced, until_told,
};
use crate::bench::{Bench, PATIENCE};
use crate::case::{Case, Judged, Level, require};
use crate::peers::ntp_server::Request;
use crate::profile::Capability::{
    Configure, LabAddresses, Ntp, ObserveConsole, ObserveState, TimeScale,
};

/// Falling back.
const OVER: &str = "FIRMPROOF-SNTP-2";
/// Outvoting.
const VOTE: &str = "FIRMPROOF-SNTP-9";
/// How far a liar is ahead: an hour.
const LIE_S: i64 = 3600;

pub(super) fn cases() -> Vec<Case> {
    let fallback = [
        Case::new(
            Level::Policy,
            "ntp/servers/silent-one-is-passed-over",
            &[OVER, "RFC4330-10-4"],
            "A server that does not answer is passed over for the next",
            |bench| passed_over(bench, First::Silent),
        ),
        Case::new(
            Level::Policy,
            "ntp/servers/unsynchronised-one-is-passed-over",
            &[OVER, "RFC5905-7.3-1"],
            "A server that says it is not synchronised is passed over for the next",
            |bench| passed_over(bench, First::Unsynchronised),
        ),
        Case::new(
            Level::Policy,
            "ntp/servers/unreachable-one-is-passed-over",
            &[OVER],
            "A host that has no time server (ICMP port unreachable) is passed over for the next",
            |bench| passed_over(bench, First::Unreachable),
        ),
        Case::new(
            Level::Should,
            "ntp/servers/kiss-makes-it-turn-to-another",
            &["RFC4330-8-1"],
            "A kiss of any code makes the client turn to another server, if there is one",
            |bench| passed_over(bench, First::Kiss),
        ),
        Case::new(
            Level::Policy,
            "ntp/servers/recovered-one-is-used-again",
            &[OVER],
            "When the second server fails, the first, which failed before and has recovered, is used again",
            recovered,
        ),
        Case::new(
            Level::Policy,
            "ntp/servers/each-in-turn",
            &[OVER],
            "While four servers are silent each is asked as often as any other, and none below every 15 seconds",
            in_turn,
        ),
        Case::must(
            "ntp/servers/one-address-twice",
            &["RFC4330-10-1"],
            "A server that is configured twice is asked no more often than once",
            twice,
        ),
    ];
    let votes = VOTES.iter().map(|row| {
        let id = format!("ntp/servers/{}", row.name);
        Case::new(Level::Policy, id, &[VOTE], row.requirement, move |bench| {
            vote(bench, row)
        })
    });
    fallback
        .into_iter()
        .chain(votes)
        .chain([
            Case::new(
                Level::Policy,
                "ntp/servers/no-majority-sets-no-clock",
                &[VOTE],
                "Of three servers that all disagree none is believed: no clock is set",
                no_majority,
            )
            .needs(&[ObserveConsole]),
            Case::new(
                Level::Policy,
                "ntp/servers/one-that-begins-to-lie",
                &[VOTE],
                "A clock that three servers have set stays when one of them begins to lie",
                begins_to_lie,
            )
            .needs(&[ObserveConsole]),
        ])
        .map(|case| case.needs(&[Ntp, Configure, ObserveState, TimeScale, LabAddresses]))
        .collect()
}

/// What the first of two servers does.
#[derive(Clone, Copy)]
enum First {
    Silent,
    Unsynchronised,
    Unreachable,
    Kiss,
}

async fn passed_over(bench: Bench, does: First) -> Judged {
    let first = match does {
        First::Unreachable => None,
        _ => Some(bench.ntp_server(1).await?),
    };
    let second = bench.ntp_server(2).await?;
    bench.scale_time(20);
    configure(&bench, 2, |ntp| ntp.reply_timeout_s = 20);
    bench.start().await?;
    if let Some(first) = &first {
        let asked = request(&bench, first, PATIENCE, OVER).await?;
        let reply = match does {
            First::Unsynchronised => Some(spoilt(&asked, |reply| reply.leap = 3)),
            First::Kiss => Some(spoilt(&asked, |reply| {
                (reply.stratum, reply.reference_id) = (0, *b"INIT");
            })),
            First::Silent | First::Unreachable => None,
        };
        if let Some(reply) = reply {
            first.reply(&asked, &reply).await.map_err(unsent)?;
        }
    }
    let asked = request(&bench, &second, next_poll(&bench), OVER).await?;
    synchronise(&bench, &second, &asked, GOOD_TIME, OVER).await?;
    require_time(&bench.state().await?, GOOD_TIME, 600, OVER)
}

async fn recovered(bench: Bench) -> Judged {
    let first = bench.ntp_server(1).await?;
    let second = bench.ntp_server(2).await?;
    bench.scale_time(20);
    configure(&bench, 2, |ntp| {
        ntp.max_poll_s = 60;
        ntp.reply_timeout_s = 20;
    });
    bench.start().await?;
    request(&bench, &first, PATIENCE, OVER).await?;
    let asked = request(&bench, &second, next_poll(&bench), OVER).await?;
    synchronise(&bench, &second, &asked, GOOD_TIME, OVER).await?;
    // From here on the second is silent. Which is asked next is the client's choice, but it has to come to the first.
    let time = GOOD_TIME + 100_000;
    let serving = serve(&first, |asked| asked.good_reply(time, 0));
    let followed = async {
        let wait = next_poll(&bench);
        let state = until(&bench, wait, |state| {
            unix_s(state).is_some_and(|shown| shown >= time)
        });
        require_time(&state.await?, time, 3600, OVER)
    };
    tokio::select! {
        ended = serving => ended,
        judged = followed => judged,
    }
}

async fn in_turn(bench: Bench) -> Judged {
    let mut servers = Vec::new();
    for n in 1..=4 {
        servers.push(bench.ntp_server(n).await?);
    }
    bench.scale_time(50);
    configure(&bench, 4, |ntp| {
        ntp.max_poll_s = 20;
        ntp.reply_timeout_s = 10;
    });
    bench.start().await?;
    let mut asked: Vec<Vec<Request>> = vec![Vec::new(); 4];
    for _ in 0..3 {
        for (server, asked) in servers.iter().zip(&mut asked) {
            let next = request(&bench, server, next_poll(&bench), OVER).await?;
            if let Some(before) = asked.last() {
                let gap = gap_s(&bench, before, &next);
                let slow = gap >= 15.0 - jitter_s(&bench);
                let expected = "15 s between requests to one server, at least";
                require(slow, "RFC4330-10-1", expected, format!("{gap:.1} s"))?;
            }
            asked.push(next);
        }
    }
    Ok(())
}

async fn twice(bench: Bench) -> Judged {
    const STATEMENT: &str = "RFC4330-10-1";
    let server = bench.ntp_server(1).await?;
    bench.scale_time(20);
    configure(&bench, 1, |ntp| {
        let same = ntp.servers.clone();
        // There is room for four.
        ntp.servers.extend(same);
        ntp.max_poll_s = 30;
        ntp.reply_timeout_s = 5;
    });
    bench.start().await?;
    let mut earlier = request(&bench, &server, PATIENCE, STATEMENT).await?;
    for _ in 0..3 {
        let later = request(&bench, &server, next_poll(&bench), STATEMENT).await?;
        let gap = gap_s(&bench, &earlier, &later);
        let slow = gap >= 15.0 - jitter_s(&bench);
        let expected = "15 s between requests to one server, at least";
        require(slow, STATEMENT, expected, format!("{gap:.1} s"))?;
        earlier = later;
    }
    Ok(())
}

/// What a server of a vote does.
#[derive(Clone, Copy, PartialEq)]
enum Voter {
    Honest,
    /// So many seconds ahead of the honest ones.
    Liar(i64),
    Silent,
}

struct Vote {
    name: &'static str,
    requirement: &'static str,
    voters: &'static [Voter],
}

const VOTES: &[Vote] = &[
    Vote {
        name: "one-liar-of-three-comes-first",
        requirement: "Of three servers the first lies by an hour: the other two are believed",
        voters: &[Voter::Liar(LIE_S), Voter::Honest, Voter::Honest],
    },
    Vote {
        name: "one-liar-of-four",
        requirement: "Of four servers one lies by an hour: the other three are believed",
        voters: &[
            Voter::Honest,
            Voter::Liar(LIE_S),
            Voter::Honest,
            Voter::Honest,
        ],
    },
    Vote {
        name: "two-of-three-answer",
        requirement: "Of three servers one is silent: the two that agree are believed",
        voters: &[Voter::Silent, Voter::Honest, Voter::Honest],
    },
    Vote {
        name: "one-of-three-answers",
        requirement: "Of three servers only one answers: it is believed, since a clock is worth more than a vote",
        voters: &[Voter::Silent, Voter::Silent, Voter::Honest],
    },
];

/// The servers of a vote; they answer until they are dropped.
struct Voters {
    lying: Arc<AtomicBool>,
    _tasks: JoinSet<Judged>,
}

impl Voters {
    /// One server for each of `voters`. Liars tell the truth until [`Self::lying`] is set.
    async fn set_up(bench: &Bench, voters: &[Voter], timeline: Timeline) -> Judged<Self> {
        let lying = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for (n, voter) in (1..).zip(voters.iter().copied()) {
            let server = bench.ntp_server(n).await?;
            let lying = lying.clone();
            tasks.spawn(async move {
                if voter == Voter::Silent {
                    // The port is open, and nobody answers.
                    let _open = server;
                    return std::future::pending().await;
                }
                let answer = |asked: &Request| match voter {
                    Voter::Liar(ahead_s) if lying.load(Ordering::Relaxed) => {
                        timeline.ahead(ahead_s).reply(asked)
                    }
                    _ => timeline.reply(asked),
                };
                serve(&server, answer).await
            });
        }
        Ok(Self {
            lying,
            _tasks: tasks,
        })
    }

    fn lie(&self) {
        self.lying.store(true, Ordering::Relaxed);
    }
}

/// A device with as many servers as there are voters, and their honest clock.
async fn voters(bench: &Bench, voters: &[Voter]) -> Judged<(Voters, Timeline)> {
    bench.scale_time(20);
    let count = u8::try_from(voters.len()).unwrap_or(u8::MAX);
    configure(bench, count, |ntp| {
        ntp.max_poll_s = 30;
        ntp.reply_timeout_s = 20;
    });
    let timeline = Timeline::starting(bench, GOOD_TIME);
    let voters = Voters::set_up(bench, voters, timeline).await?;
    Ok((voters, timeline))
}

/// The device's clock is `timeline`'s, and no liar's.
async fn require_honest(bench: &Bench, timeline: Timeline) -> Judged {
    let state = bench.state().await?;
    // An hour's lie is far beyond what a busy machine and a fast clock make of a minute.
    require_time(&state, timeline.now_s() - 300, 600, VOTE)
}

async fn vote(bench: Bench, row: &'static Vote) -> Judged {
    let (servers, timeline) = voters(&bench, row.voters).await?;
    servers.lie();
    bench.start().await?;
    let wait = next_poll(&bench) + bench.device_time(80.0);
    let state = until(&bench, wait, |state| state["time"]["synced"] == true).await?;
    let seen = bench.with_console(&state["time"].to_string());
    let synced = state["time"]["synced"] == true;
    require(synced, VOTE, "the clock is set", seen)?;
    require_honest(&bench, timeline).await
}

async fn no_majority(bench: Bench) -> Judged {
    let liars = [Voter::Honest, Voter::Liar(LIE_S), Voter::Liar(-LIE_S)];
    let (servers, _) = voters(&bench, &liars).await?;
    servers.lie();
    bench.start().await?;
    // Two rounds, after each of which the client tells when it asks again.
    until_told(&bench, "ntp.poll", 2, next_poll(&bench)).await?;
    require_unset(&bench.state().await?, VOTE)?;
    bench.alive(VOTE).await
}

async fn begins_to_lie(bench: Bench) -> Judged {
    let (servers, timeline) =
        voters(&bench, &[Voter::Liar(LIE_S), Voter::Honest, Voter::Honest]).await?;
    bench.start().await?;
    until_synced(&bench, VOTE).await?;
    servers.lie();
    // The round under way may have begun before the lie; the two after it have not.
    until_told(&bench, "ntp.poll", 3, next_poll(&bench)).await?;
    require_honest(&bench, timeline).await
}
