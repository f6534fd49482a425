//! URLs.

use crate::update::url::{Host, Url};

extern crate std;
use std::string::String;

fn target(url: &Url) -> String {
    let mut text = String::new();
    url.write_target(&mut text).unwrap();
    text
}

#[test]
fn an_http_url_gives_host_port_and_target() {
    let name = |text| Host::Name(text);
    let address = |text: &str| Host::Address(text.parse().unwrap());
    for (text, host, port, authority, path) in [
        (
            "http://a.example/x.bin",
            name("a.example"),
            80,
            "a.example",
            "/x.bin",
        ),
        (
            "HTTP://10.0.0.1:8080/a/b?c=d",
            address("10.0.0.1"),
            8080,
            "10.0.0.1:8080",
            "/a/b?c=d",
        ),
        ("http://h", name("h"), 80, "h", "/"),
        ("http://h?q", name("h"), 80, "h", "/?q"),
        ("http://h/p#f?/", name("h"), 80, "h", "/p"),
        ("http://h#f", name("h"), 80, "h", "/"),
        ("http://h:/p", name("h"), 80, "h:", "/p"),
        (
            "http://h.example./%41",
            name("h.example."),
            80,
            "h.example.",
            "/%41",
        ),
    ] {
        let url = Url::parse(text).unwrap();
        assert_eq!(url.host(), host, "{text}");
        assert_eq!(url.port(), port, "{text}");
        assert_eq!(url.authority(), authority, "{text}");
        assert_eq!(target(&url), path, "{text}");
    }
}

#[test]
fn anything_but_a_plain_http_url_is_refused() {
    for text in [
        "",
        "http://",
        "http:///path",
        "https://h/",
        "ftp://h/",
        "//h/",
        "http://user@h/",
        "http://h:0/",
        "http://h:65536/",
        "http://h:+80/",
        "http://h:8 0/",
        "http://h/a b",
        "http://h/a\r\nX: y",
        "http://h/%4",
        "http://1.2.3/",
        "http://256.1.1.1/",
        "http://[::1]/",
        "http://a..b/",
        "http://h_x/",
        "http\u{e9}://h/",
    ] {
        assert!(Url::parse(text).is_err(), "{text:?}");
    }
    let long = std::format!("http://h/{}", "a".repeat(248));
    assert!(Url::parse(&long).is_err());
    assert!(Url::parse(&long[..256]).is_ok());
}

#[test]
fn a_location_is_absolute_or_a_path_from_the_root() {
    let here = Url::parse("http://h:81/a/b").unwrap();
    let joined = |location| here.join(location).map(|url| String::from(url.as_str()));
    assert_eq!(joined("/c?d").unwrap(), "http://h:81/c?d");
    assert_eq!(joined("http://g/c#frag").unwrap(), "http://g/c");
    for location in ["c", "//g/c", "https://g/c", ""] {
        assert!(joined(location).is_err(), "{location}");
    }
}
