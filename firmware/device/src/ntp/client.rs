//! Whom to ask for the time, and when.
//!
//! A round asks the servers in their order, none of them twice. Of one or two servers the first
//! that gives the time ends it. Three or more are all asked, so that one that lies is found out
//! ([`super::selection`]). Then the client waits: the shortest poll interval after success; after rounds without, twice as long
//! each time, up to the longest interval. No server is asked again within the shortest interval,
//! which the configuration keeps at 15 s or more (RFC 4330 §10 (1)).

use core::net::Ipv4Addr;

use embassy_time::{Duration, Instant};
use heapless::Vec;

use crate::ntp::selection::{Candidate, select};

/// The most servers of a configuration.
pub const MAX_SERVERS: usize = 4;
/// With so many servers a majority can outvote one that lies (RFC 8633 §3.2).
const ENOUGH_TO_VOTE: usize = 3;
/// The most addresses that are remembered as having denied service.
const MAX_DENIED: usize = 8;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Ask the server with this index in the configuration.
    Ask(usize),
    /// Set the clock by this.
    Take(Candidate),
    /// Tell that this many servers gave times of which no majority agrees.
    Disagreement(usize),
    /// Wait this many seconds.
    Wait(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Before the first round, or after a wait.
    Over,
    /// The next server to ask.
    At(usize),
    /// The clock was set by this server.
    Won(usize),
}

/// What kisses of the code RATE made of one server.
#[derive(Debug, Clone, Copy, Default)]
struct Rate {
    /// The shortest interval between requests to it, in seconds; 0 until there was a kiss.
    interval_s: u32,
    /// It is left alone until then.
    until: Option<Instant>,
}

/// Whom to ask for the time, and when.
#[derive(Debug)]
pub struct Client {
    servers: usize,
    min_poll_s: u32,
    max_poll_s: u32,
    round: Round,
    failed_rounds: u32,
    rates: [Rate; MAX_SERVERS],
    asked: Vec<Ipv4Addr, MAX_SERVERS>,
    /// What this round's servers said, and which they are.
    given: Vec<(usize, Candidate), MAX_SERVERS>,
    denied: Vec<Ipv4Addr, MAX_DENIED>,
}

impl Client {
    /// A client of so many servers, with the shortest and longest poll interval in seconds.
    pub fn new(servers: usize, min_poll_s: u32, max_poll_s: u32) -> Self {
        Self {
            servers: servers.min(MAX_SERVERS),
            min_poll_s,
            max_poll_s,
            round: Round::Over,
            failed_rounds: 0,
            rates: [Rate::default(); MAX_SERVERS],
            asked: Vec::new(),
            given: Vec::new(),
            denied: Vec::new(),
        }
    }

    /// What to do at `now`. After [`Step::Ask`], [`Self::given`], [`Self::rate_limited`] or
    /// [`Self::denied`] say what came of it; without a word the server has failed.
    pub fn next(&mut self, now: Instant) -> Step {
        let first = match self.round {
            Round::Won(server) => {
                self.round = Round::Over;
                self.failed_rounds = 0;
                return Step::Wait(self.min_poll_s.max(self.rate(server).interval_s));
            }
            Round::Over => {
                self.asked.clear();
                self.given.clear();
                0
            }
            Round::At(server) => server,
        };
        let enough = self.servers < ENOUGH_TO_VOTE && !self.given.is_empty();
        let mut left = first..self.servers;
        match left.find(|server| !enough && self.held_s(*server, now) == 0) {
            Some(server) => {
                self.round = Round::At(server + 1);
                self.hold(server, now);
                Step::Ask(server)
            }
            None => self.conclude(now),
        }
    }

    /// The end of a round, in which nobody is left to ask.
    fn conclude(&mut self, now: Instant) -> Step {
        let candidates: Vec<Candidate, MAX_SERVERS> = self.given.iter().map(|g| g.1).collect();
        if let Some(taken) = select(&candidates) {
            let server = self.given.iter().find(|given| given.1 == taken);
            self.round = Round::Won(server.map_or(0, |given| given.0));
            return Step::Take(taken);
        }
        if !candidates.is_empty() {
            self.given.clear();
            self.round = Round::At(self.servers);
            return Step::Disagreement(candidates.len());
        }
        self.round = Round::Over;
        self.failed_rounds = self.failed_rounds.saturating_add(1);
        let until_one_may_be_asked = (0..self.servers).map(|s| self.held_s(s, now)).min();
        Step::Wait(self.back_off_s().max(until_one_may_be_asked.unwrap_or(0)))
    }

    /// Whether `address`, which the server's name or configuration gave, may be asked: it has not
    /// denied service, and was not asked in this round under another name.
    pub fn may_ask(&mut self, address: Ipv4Addr) -> bool {
        let may = !self.denied.contains(&address)
            && !self.denied.is_full()
            && !self.asked.contains(&address);
        // There are as many places as servers, and each server is asked once a round.
        may && self.asked.push(address).is_ok()
    }

    /// The server that was asked gave the time.
    pub fn given(&mut self, candidate: Candidate) {
        if let Some(server) = self.last_asked() {
            // There are as many places as servers, and each server is asked once a round.
            let _ = self.given.push((server, candidate));
        }
    }

    /// The server that was asked wants to be asked less often (RFC 5905 §7.4, RATE): its interval
    /// doubles, up to the longest one, and stays so until the device restarts.
    pub fn rate_limited(&mut self, now: Instant) {
        let (min, max) = (self.min_poll_s, self.max_poll_s);
        let Some(server) = self.last_asked() else {
            return;
        };
        if let Some(rate) = self.rates.get_mut(server) {
            rate.interval_s = rate.interval_s.max(min).saturating_mul(2).min(max);
        }
        self.hold(server, now);
    }

    /// Leaves `server` alone for its own interval, if it has one.
    fn hold(&mut self, server: usize, now: Instant) {
        if let Some(rate) = self
            .rates
            .get_mut(server)
            .filter(|rate| rate.interval_s > 0)
        {
            rate.until = now.checked_add(Duration::from_secs(rate.interval_s.into()));
        }
    }

    /// `address` wants no requests of ours (RFC 5905 §7.4, DENY and RSTR): it gets no more until
    /// the device restarts. After eight such addresses nobody gets any.
    pub fn denied(&mut self, address: Ipv4Addr) {
        if !self.denied.contains(&address) {
            // When there is no room, nobody is asked any more.
            let _ = self.denied.push(address);
        }
    }

    fn last_asked(&self) -> Option<usize> {
        match self.round {
            Round::At(next) => next.checked_sub(1),
            Round::Over | Round::Won(_) => None,
        }
    }

    fn rate(&self, server: usize) -> Rate {
        self.rates.get(server).copied().unwrap_or_default()
    }

    /// Whole seconds, rounded up, until `server` may be asked; 0 when it may be.
    fn held_s(&self, server: usize, now: Instant) -> u32 {
        let until = self.rate(server).until.unwrap_or(now);
        let held = until.saturating_duration_since(now);
        let micros_per_s = Duration::from_secs(1).as_micros();
        u32::try_from(held.as_micros().div_ceil(micros_per_s)).unwrap_or(u32::MAX)
    }

    fn back_off_s(&self) -> u32 {
        let doublings = self.failed_rounds.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.min_poll_s.saturating_mul(factor).min(self.max_poll_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Leap, UnixTime};
    use crate::ntp::packet::Sample;

    const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const B: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
    const START: Instant = Instant::from_secs(0);

    fn client(servers: usize) -> Client {
        Client::new(servers, 16, 100)
    }

    fn seconds(secs: u64) -> Instant {
        Instant::from_secs(secs)
    }

    /// The server that was asked gives the time `secs`.
    fn gives(client: &mut Client, secs: i64) -> Candidate {
        let candidate = Candidate {
            address: A,
            sample: Sample {
                transmitted: UnixTime { secs, micros: 0 },
                one_way: Duration::from_ticks(0),
                root_distance: Duration::from_ticks(0),
                leap: Leap::None,
                stratum: 1,
            },
            arrived: START,
        };
        client.given(candidate);
        candidate
    }

    /// The server that was asked gives the time, and it is taken.
    fn take(client: &mut Client) {
        let candidate = gives(client, 1000);
        assert_eq!(client.next(START), Step::Take(candidate));
    }

    #[test]
    fn without_servers_nobody_is_asked() {
        let mut client = client(0);
        assert_eq!(client.next(START), Step::Wait(16));
        assert_eq!(client.next(START), Step::Wait(32));
    }

    #[test]
    fn after_success_the_first_server_is_polled_at_the_shortest_interval() {
        let mut client = client(2);
        for _ in 0..5 {
            assert_eq!(client.next(START), Step::Ask(0));
            take(&mut client);
            assert_eq!(client.next(START), Step::Wait(16));
        }
    }

    #[test]
    fn servers_are_tried_in_order_and_the_next_round_starts_with_the_first() {
        let mut client = client(2);
        assert_eq!(client.next(START), Step::Ask(0));
        assert_eq!(client.next(START), Step::Ask(1));
        take(&mut client);
        assert_eq!(client.next(START), Step::Wait(16));
        assert_eq!(client.next(START), Step::Ask(0));
    }

    #[test]
    fn rounds_without_success_double_the_wait_up_to_the_longest() {
        let mut client = client(2);
        for wait in [16, 32, 64, 100, 100] {
            assert_eq!(client.next(START), Step::Ask(0));
            assert_eq!(client.next(START), Step::Ask(1));
            assert_eq!(client.next(START), Step::Wait(wait));
        }
        assert_eq!(client.next(START), Step::Ask(0));
        take(&mut client);
        assert_eq!(client.next(START), Step::Wait(16));
        assert_eq!(client.next(START), Step::Ask(0));
        assert_eq!(client.next(START), Step::Ask(1));
        assert_eq!(client.next(START), Step::Wait(16));
    }

    #[test]
    fn many_failed_rounds_stay_at_the_longest_wait() {
        let mut client = client(1);
        for _ in 0..100 {
            assert_eq!(client.next(START), Step::Ask(0));
            client.next(START);
        }
        client.next(START);
        assert_eq!(client.next(START), Step::Wait(100));
    }

    #[test]
    fn a_rate_kiss_doubles_the_interval_each_time_and_for_good() {
        let mut client = client(1);
        let mut now = 0;
        for wait in [32, 64, 100, 100] {
            assert_eq!(client.next(seconds(now)), Step::Ask(0));
            client.rate_limited(seconds(now));
            assert_eq!(client.next(seconds(now)), Step::Wait(wait));
            now += u64::from(wait);
        }
        assert_eq!(client.next(seconds(now)), Step::Ask(0));
        take(&mut client);
        assert_eq!(client.next(seconds(now)), Step::Wait(100));
    }

    #[test]
    fn a_server_that_is_held_is_passed_over_for_the_next() {
        let mut client = client(2);
        assert_eq!(client.next(START), Step::Ask(0));
        client.rate_limited(START);
        assert_eq!(client.next(START), Step::Ask(1));
        take(&mut client);
        assert_eq!(client.next(START), Step::Wait(16));
        assert_eq!(client.next(seconds(16)), Step::Ask(1));
        take(&mut client);
        assert_eq!(client.next(seconds(16)), Step::Wait(16));
        assert_eq!(client.next(seconds(32)), Step::Ask(0));
    }

    #[test]
    fn a_server_that_denied_is_never_asked_again() {
        let mut client = client(1);
        client.next(START);
        assert!(client.may_ask(A));
        client.denied(A);
        for _ in 0..10 {
            client.next(START);
            assert!(!client.may_ask(A));
            client.next(START);
        }
        client.next(START);
        assert!(client.may_ask(B), "the name may have a new address");
    }

    #[test]
    fn after_eight_denials_nobody_is_asked() {
        let mut client = client(1);
        for last in 10..18 {
            client.denied(Ipv4Addr::new(192, 0, 2, last));
        }
        client.next(START);
        assert!(!client.may_ask(A));
    }

    #[test]
    fn an_address_under_two_names_is_asked_once_a_round() {
        let mut client = client(2);
        client.next(START);
        assert!(client.may_ask(A));
        client.next(START);
        assert!(!client.may_ask(A));
        assert_eq!(client.next(START), Step::Wait(16));
        client.next(START);
        assert!(client.may_ask(A));
    }

    #[test]
    fn three_servers_are_all_asked_and_the_majority_is_taken() {
        let mut client = client(3);
        assert_eq!(client.next(START), Step::Ask(0));
        gives(&mut client, 5000);
        assert_eq!(client.next(START), Step::Ask(1));
        let second = gives(&mut client, 1000);
        assert_eq!(client.next(START), Step::Ask(2));
        gives(&mut client, 1000);
        assert_eq!(client.next(START), Step::Take(second));
        assert_eq!(client.next(START), Step::Wait(16));
        assert_eq!(client.next(START), Step::Ask(0));
    }

    #[test]
    fn servers_that_disagree_are_told_of_and_the_round_has_failed() {
        let mut client = client(3);
        for (server, secs) in [(0, 1000), (1, 2000), (2, 3000)] {
            assert_eq!(client.next(START), Step::Ask(server));
            gives(&mut client, secs);
        }
        assert_eq!(client.next(START), Step::Disagreement(3));
        assert_eq!(client.next(START), Step::Wait(16));
        for server in 0..3 {
            assert_eq!(client.next(START), Step::Ask(server));
        }
        assert_eq!(client.next(START), Step::Wait(32));
    }

    #[test]
    fn one_of_three_that_wants_fewer_requests_gets_fewer() {
        let mut client = client(3);
        assert_eq!(client.next(START), Step::Ask(0));
        client.rate_limited(START);
        assert_eq!(client.next(START), Step::Ask(1));
        gives(&mut client, 1000);
        assert_eq!(client.next(START), Step::Ask(2));
        let candidate = gives(&mut client, 1000);
        assert_eq!(client.next(START), Step::Take(candidate));
        assert_eq!(client.next(START), Step::Wait(16));
        assert_eq!(client.next(seconds(16)), Step::Ask(1));
        assert_eq!(client.next(seconds(16)), Step::Ask(2));
        client.next(seconds(16));
        assert_eq!(client.next(seconds(32)), Step::Ask(0));
        assert_eq!(client.next(seconds(32)), Step::Ask(1));
        assert_eq!(client.next(seconds(32)), Step::Ask(2));
        client.next(seconds(32));
        assert_eq!(client.next(seconds(48)), Step::Ask(1), "not before 64 s");
    }
}
