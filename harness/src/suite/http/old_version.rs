//! Servers of HTTP/1.0: RFC 9112 says what a server of HTTP/1.1 has to do, and the version that a server claims is that
//! of the specification which it conforms to (RFC 9110 §2.5).

use super::exchange;
use crate::bench::Bench;
use crate::case::{Case, Stop};
use crate::profile::Capability;

/// The same case, which is skipped where it would fail a server of HTTP/1.0 for a rule of RFC 9112.
pub(super) fn excused(case: Case) -> Case {
    case.concluded(|bench, judged| async move {
        match judged {
            Err(Stop::Fail(finding)) if finding.statement.starts_with("RFC9112-") => {
                if claims_1_0(&bench).await {
                    return Err(Stop::Skip(Capability::HttpOneOne));
                }
                Err(Stop::Fail(finding))
            }
            judged => judged,
        }
    })
}

/// Whether a plain request of HTTP/1.1 is answered by HTTP/1.0.
async fn claims_1_0(bench: &Bench) -> bool {
    let usual = exchange::usual(bench).await;
    usual.is_ok_and(|response| response.version == "HTTP/1.0")
}
