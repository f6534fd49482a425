//! Any bytes as an update's offer, and any text as a redirect from its URL: reading never panics,
//! and a URL that is taken can be written into a request.
#![no_main]

use firmproof_device::update::Request;
use firmproof_device::update::url::{Host, MAX_URL_LEN, Url};
use libfuzzer_sys::fuzz_target;

fn check(url: &Url) {
    assert!(url.as_str().len() <= MAX_URL_LEN && url.port() != 0);
    assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(url));
    let mut target = String::new();
    url.write_target(&mut target).expect("a String takes all");
    assert!(target.starts_with('/'));
    // Nothing in these can end a line or a field of the request.
    for text in [target.as_str(), url.authority()] {
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    }
    if let Host::Name(name) = url.host() {
        assert!((1..=254).contains(&name.len()));
    }
}

// The input: the offer, a URL and a Location, with a zero byte between each two.
fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(3, |&byte| byte == 0);
    let json = parts.next().unwrap_or_default();
    let mut text = || parts.next().and_then(|text| str::from_utf8(text).ok());
    let (url, location) = (text().unwrap_or_default(), text().unwrap_or_default());
    if let Ok(offer) = Request::parse(json) {
        assert!(offer.length > 0);
        check(&offer.url);
        let _ = offer.is_signed_by(&offer.sha256);
    }
    if let Ok(url) = Url::parse(url) {
        check(&url);
        if let Ok(moved) = url.join(location) {
            check(&moved);
        }
    }
});
