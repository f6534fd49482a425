//! What goes wrong on the wire: rules that pick frames and say what happens to them. Chance is drawn from the lab's
//! seed, so that the same frames meet the same faults again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::Direction;
use super::segment::{Carried, ETHERNET_HEADER, carried};

/// The protocol that a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Every frame.
    #[default]
    Any,
    /// ARP.
    Arp,
    /// TCP over IPv4.
    Tcp,
    /// UDP over IPv4.
    Udp,
}

/// Which of the frames that fit a rule it acts on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Which {
    /// All of them.
    #[default]
    Every,
    /// The nth only, counted from 1 since the rule was added.
    Nth(u64),
    /// The first n.
    First(u64),
    /// Each with this probability, 0 to 1.
    Chance(f64),
}

/// The frames that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Matcher {
    /// One direction, or both.
    pub direction: Option<Direction>,
    /// The protocol.
    pub protocol: Protocol,
    /// A TCP or UDP port, as source or destination.
    pub port: Option<u16>,
    /// Only segments and datagrams with at least one byte of payload.
    pub with_payload: bool,
    /// Which of those.
    pub which: Which,
}

impl Matcher {
    /// Every frame of `protocol`, in both directions.
    pub fn protocol(protocol: Protocol) -> Self {
        Self {
            protocol,
            ..Self::default()
        }
    }

    /// Only towards the DUT.
    #[must_use]
    pub fn to_dut(self) -> Self {
        Self {
            direction: Some(Direction::ToDut),
            ..self
        }
    }

    /// Only from the DUT.
    #[must_use]
    pub fn from_dut(self) -> Self {
        Self {
            direction: Some(Direction::FromDut),
            ..self
        }
    }

    /// Only with this port as source or destination.
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        Self {
            port: Some(port),
            ..self
        }
    }

    /// Only with payload.
    #[must_use]
    pub fn with_payload(self) -> Self {
        Self {
            with_payload: true,
            ..self
        }
    }

    /// Only these among them.
    #[must_use]
    pub fn which(self, which: Which) -> Self {
        Self { which, ..self }
    }

    fn fits(&self, direction: Direction, carried: Carried) -> bool {
        let (protocol, ports, data) = match carried {
            Carried::Arp { .. } => (Protocol::Arp, None, false),
            Carried::Tcp { ports, data } => (Protocol::Tcp, Some(ports), data),
            Carried::Udp { ports, data } => (Protocol::Udp, Some(ports), data),
            Carried::Other => (Protocol::Any, None, false),
        };
        self.direction.is_none_or(|wanted| wanted == direction)
            && (self.protocol == Protocol::Any || self.protocol == protocol)
            && self
                .port
                .is_none_or(|port| ports.is_some_and(|ports| ports.contains(&port)))
            && (data || !self.with_payload)
    }
}

/// What happens to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It is lost.
    Drop,
    /// It arrives this much later; others may overtake it.
    Delay(Duration),
    /// It arrives twice.
    Duplicate,
    /// It arrives after the next frame of its direction, or 200 ms later if none comes.
    Reorder,
    /// One bit of the IP packet changes, and no checksum is mended: the receiver must discard it. ARP has no
    /// checksum to notice it by.
    CorruptBit,
}

/// How long a frame is held for another to overtake it.
pub(super) const REORDER_LIMIT: Duration = Duration::from_millis(200);

/// A rule, to remove it or count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleId(u64);

/// The fault rules of one lab. The first rule that picks a frame decides.
#[derive(Debug)]
pub struct Faults {
    rules: Mutex<Rules>,
    /// Spares the hot path the lock.
    any: AtomicBool,
}

#[derive(Debug)]
struct Rules {
    rules: Vec<Rule>,
    next: u64,
    chance: ChaCha8Rng,
}

#[derive(Debug)]
struct Rule {
    id: RuleId,
    matcher: Matcher,
    action: Action,
    fitted: u64,
    applied: u64,
}

impl Faults {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        let rules = Rules {
            rules: Vec::new(),
            next: 0,
            chance: ChaCha8Rng::from_seed(seed),
        };
        Self {
            rules: Mutex::new(rules),
            any: AtomicBool::new(false),
        }
    }

    /// Adds a rule after the others.
    pub fn add(&self, matcher: Matcher, action: Action) -> RuleId {
        let mut rules = self.lock();
        let id = RuleId(rules.next);
        rules.next += 1;
        rules.rules.push(Rule {
            id,
            matcher,
            action,
            fitted: 0,
            applied: 0,
        });
        self.any.store(true, Ordering::Release);
        id
    }

    /// Removes a rule and tells how often it acted; `None` if it is gone already.
    pub fn remove(&self, id: RuleId) -> Option<u64> {
        let mut rules = self.lock();
        let at = rules.rules.iter().position(|rule| rule.id == id)?;
        let applied = rules.rules.remove(at).applied;
        self.any.store(!rules.rules.is_empty(), Ordering::Release);
        Some(applied)
    }

    /// How often a rule has acted; `None` if it was removed.
    pub fn applied(&self, id: RuleId) -> Option<u64> {
        self.lock()
            .rules
            .iter()
            .find(|rule| rule.id == id)
            .map(|rule| rule.applied)
    }

    /// Removes all rules. Frames that are being held still arrive.
    pub fn clear(&self) {
        self.lock().rules.clear();
        self.any.store(false, Ordering::Release);
    }

    /// Decides what happens to a frame, corrupting it in place if that is it.
    pub(super) fn judge(&self, direction: Direction, frame: &mut [u8]) -> Option<Action> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let carried = carried(frame);
        let Rules { rules, chance, .. } = &mut *self.lock();
        let mut chosen = None;
        for rule in rules
            .iter_mut()
            .filter(|rule| rule.matcher.fits(direction, carried))
        {
            rule.fitted += 1;
            let picked = match rule.matcher.which {
                Which::Every => true,
                Which::Nth(n) => rule.fitted == n,
                Which::First(n) => rule.fitted <= n,
                // Drawn even when an earlier rule has decided, so that rules do not shift each other's luck.
                Which::Chance(p) => f64::from(chance.next_u32()) < p * 2f64.powi(32),
            };
            if picked && chosen.is_none() {
                rule.applied += 1;
                chosen = Some(rule.action);
            }
        }
        if chosen == Some(Action::CorruptBit) {
            flip_bit(frame, carried, chance);
        }
        chosen
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Changes one bit behind the Ethernet header. Sparing the UDP checksum, which a single bit could turn into "none".
fn flip_bit(frame: &mut [u8], carried: Carried, chance: &mut ChaCha8Rng) {
    let from = match carried {
        // Behind the IPv4 header, in the ports, or in the payload if there is one.
        Carried::Udp { data: true, .. } => ETHERNET_HEADER + 28,
        Carried::Udp { .. } | Carried::Tcp { .. } => ETHERNET_HEADER + 20,
        Carried::Arp { .. } | Carried::Other => ETHERNET_HEADER,
    };
    let to = match carried {
        Carried::Udp { data: false, .. } => from + 4,
        // Frames may be padded: the packet ends where its total length says.
        Carried::Udp { .. } | Carried::Tcp { .. } => {
            ETHERNET_HEADER + usize::from(u16::from_be_bytes([frame[16], frame[17]]))
        }
        Carried::Arp { .. } | Carried::Other => frame.len(),
    };
    let Some(region) = frame.get_mut(from..to).filter(|region| !region.is_empty()) else {
        return;
    };
    let bit = chance.next_u32() as usize % (region.len() * 8);
    region[bit / 8] ^= 1 << (bit % 8);
}
