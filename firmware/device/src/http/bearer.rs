//! The bearer token of `POST /api/update` (RFC 6750 §2.1).

use sha2::{Digest, Sha256};

/// Whether an Authorization value is `Bearer <token>`. Takes the same time for every wrong token;
/// an empty `token` is never matched.
pub fn authorizes(value: &[u8], token: &str) -> bool {
    const SCHEME: &[u8] = b"bearer";
    let Some((scheme, rest)) = value.split_at_checked(SCHEME.len()) else {
        return false;
    };
    // RFC 9110 §11.1: the scheme in any case, then 1*SP.
    if !scheme.eq_ignore_ascii_case(SCHEME) || rest.first() != Some(&b' ') {
        return false;
    }
    let given = Sha256::digest(rest.trim_ascii_start());
    let expected = Sha256::digest(token.as_bytes());
    // Digests are compared, so that not even the token's length shows in the time.
    let difference = given
        .iter()
        .zip(expected.iter())
        .fold(0, |all, (a, b)| core::hint::black_box(all | (a ^ b)));
    difference == 0 && !token.is_empty()
}
