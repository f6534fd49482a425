//! The web page, as Chromium shows it: with the keyboard, in the dark, on a phone, and with a thousand cases.

use std::path::Path;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use super::browser::{Browser, ENTER, TAB, Width};
use super::{Checked, Test, check, runs};

pub(super) const TESTS: &[Test] = &[
    (
        "the page tells each verdict and draws the ladder with every field of a message",
        || on_page(Width::Desk, Scripts::On, 40, verdicts_and_ladder),
    ),
    (
        "the page is walked filtered and opened with the keyboard alone",
        || on_page(Width::Desk, Scripts::On, 40, keyboard),
    ),
    ("the page is readable in the dark and in the light", || {
        on_page(Width::Desk, Scripts::On, 40, dark_and_light)
    }),
    ("the page fits a phone", || {
        on_page(Width::Phone, Scripts::On, 40, phone)
    }),
    ("the page tells every verdict without scripts", || {
        on_page(Width::Desk, Scripts::Off, 40, without_scripts)
    }),
    (
        "the page filters and opens a thousand cases without lag",
        || on_page(Width::Desk, Scripts::On, 1000, a_thousand_cases),
    ),
];

/// Whether the page's scripts run.
#[derive(Clone, Copy)]
enum Scripts {
    On,
    Off,
}

/// A browser on the page of a run of at least `number` cases, of which one failed, one is flaky and
/// one is inconclusive.
fn on_page(
    width: Width,
    scripts: Scripts,
    number: usize,
    test: impl AsyncFnOnce(&Browser, &Client) -> Checked,
) -> Checked {
    let folder = tempfile::tempdir()?;
    let mut run = runs::run(
        folder.path(),
        &["mqtt/connack", "http/host", "ntp/replies/wrong-originate"],
    )?;
    runs::make_worse(folder.path(), &mut run)?;
    runs::enlarge(folder.path(), &mut run, number)?;
    let page = runs::page_of(folder.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let browser = Browser::open(width).await?;
        if let Scripts::Off = scripts {
            let off = Emulate("setScriptExecutionDisabled", json!({ "value": true }));
            browser.client.issue_cmd(off).await?;
        }
        browser.client.goto(&page).await?;
        let tested = test(&browser, &browser.client).await;
        let errors = browser.console_errors().await;
        browser.close().await;
        tested?;
        let errors = errors?;
        check(errors.is_empty(), errors.join("\n"))
    })
}

/// Runs a script in the page and returns its value.
async fn eval(page: &Client, script: &str) -> Checked<Value> {
    Ok(page.execute(script, Vec::new()).await?)
}

/// Checks that a script's value is this one.
async fn is(page: &Client, script: &str, wanted: Value) -> Checked {
    let value = eval(page, script).await?;
    check(
        value == wanted,
        format!("{script}\n  is {value}, not {wanted}"),
    )
}

/// Keeps a picture, for a person to look at, in the folder that `FIRMPROOF_SCREENSHOTS` names.
async fn picture(page: &Client, name: &str) -> Checked {
    if let Some(folder) = std::env::var_os("FIRMPROOF_SCREENSHOTS") {
        std::fs::create_dir_all(&folder)?;
        let image = page.screenshot().await?;
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), image)?;
    }
    Ok(())
}

async fn verdicts_and_ladder(_: &Browser, page: &Client) -> Checked {
    picture(page, "top").await?;
    is(
        page,
        "return document.querySelector('h1').textContent",
        json!("Firmproof failed"),
    )
    .await?;
    let verdicts =
        "return [...document.querySelectorAll('.case')].slice(0, 4).map((c) => c.dataset.verdict)";
    is(
        page,
        verdicts,
        json!(["fail", "inconclusive", "flaky", "pass"]),
    )
    .await?;
    // The hostile text is there, as text.
    is(page, "return [window.hacked ?? null, document.images.length, document.scripts.length - document.querySelectorAll('script[type=\"application/json\"]').length]", json!([null, 0, 1])).await?;
    let seen = eval(page, "return document.querySelector('.case').textContent").await?;
    check(
        seen.to_string()
            .contains("<img src=x onerror=window.hacked=2>"),
        seen.to_string(),
    )?;
    page.find(Locator::Css(".case summary"))
        .await?
        .click()
        .await?;
    is(
        page,
        "return document.querySelectorAll('.case:first-child svg .message').length > 1",
        json!(true),
    )
    .await?;
    is(
        page,
        "return document.querySelectorAll('.case:first-child svg .frame').length > 3",
        json!(true),
    )
    .await?;
    let console = "return document.querySelector('.case:first-child svg .console text:last-child').textContent";
    let console = eval(page, console).await?.to_string();
    check(console.contains("</script></style>"), console)?;
    // The broker's answer, field by field.
    eval(page, "[...document.querySelectorAll('.case:first-child svg .message')].find((m) => m.ariaLabel.includes('CONNACK')).dispatchEvent(new Event('click'))").await?;
    let table = "return [...document.querySelectorAll('.detail table tr')].slice(1).map((r) => [...r.cells].slice(1, 3).map((c) => c.textContent).join('='))";
    let fields = eval(page, table).await?.to_string();
    for field in [
        "packet type=CONNACK",
        "remaining length=2",
        "session present=",
        "return code=",
    ] {
        check(fields.contains(field), format!("no `{field}` in {fields}"))?;
    }
    picture(page, "ladder").await?;
    is(
        page,
        "return [window.hacked ?? null, document.images.length]",
        json!([null, 0]),
    )
    .await?;
    // The links lead to files that are there.
    let links =
        "return [...document.querySelectorAll('.case:first-child .links a')].map((a) => a.href)";
    let links = eval(page, links).await?;
    for link in links.as_array().into_iter().flatten() {
        let path = link
            .as_str()
            .unwrap_or_default()
            .trim_start_matches("file://");
        check(Path::new(path).exists(), format!("no {path}"))?;
    }
    check(
        links.as_array().is_some_and(|l| l.len() == 2),
        links.to_string(),
    )
}

async fn keyboard(browser: &Browser, page: &Client) -> Checked {
    let shown = "return document.querySelectorAll('.case:not([hidden])').length";
    for key in "/connack/code-5".chars() {
        browser.press(key).await?;
    }
    let all = eval(page, "return document.querySelectorAll('.case').length").await?;
    let found = eval(page, shown).await?;
    check(
        found.as_u64() < all.as_u64() && found.as_u64() > Some(0),
        format!("{found} of {all}"),
    )?;
    // Out of the field, to the first case, open it, and walk the ladder.
    browser.press('\u{e00c}').await?;
    eval(
        page,
        "document.activeElement.blur(); document.querySelector('#filters').reset()",
    )
    .await?;
    browser.press('j').await?;
    browser.press('n').await?;
    is(
        page,
        "return document.activeElement.closest('.case').dataset.verdict",
        json!("inconclusive"),
    )
    .await?;
    browser.press('k').await?;
    browser.press(ENTER).await?;
    is(
        page,
        "return document.querySelector('.case details').open",
        json!(true),
    )
    .await?;
    is(
        page,
        "return document.querySelectorAll('svg .row').length > 5",
        json!(true),
    )
    .await?;
    let in_ladder = "return document.activeElement.closest('svg') !== null";
    for _ in 0..12 {
        if eval(page, in_ladder).await? == json!(true) {
            break;
        }
        browser.press(TAB).await?;
    }
    is(page, in_ladder, json!(true)).await?;
    for _ in 0..6 {
        browser.press('\u{e015}').await?;
    }
    browser.press(ENTER).await?;
    is(
        page,
        "return document.querySelector('svg .row.chosen') === document.activeElement",
        json!(true),
    )
    .await?;
    let chosen = "return document.querySelector('.detail h4').textContent";
    let before = eval(page, chosen).await?;
    browser.press('\u{e015}').await?;
    let after = eval(page, chosen).await?;
    check(before != after, format!("{before} stayed"))?;
    picture(page, "keyboard").await?;
    browser.press('\u{e00c}').await?;
    is(
        page,
        "return document.querySelector('.detail h4')",
        json!(null),
    )
    .await?;
    // The map: one stop for Tab, arrows within, Enter filters.
    eval(
        page,
        "document.querySelector('.map button[tabindex=\"0\"]').focus()",
    )
    .await?;
    browser.press('\u{e014}').await?;
    eval(page, "document.querySelector('.square.fail').focus()").await?;
    browser.press(ENTER).await?;
    let judged = "const id = document.querySelector('.square[aria-pressed]').dataset.statement; \
        return [...document.querySelectorAll('.case:not([hidden])')].every((c) => c.dataset.statements.split(' ').includes(id))";
    is(page, judged, json!(true)).await?;
    let fewer = eval(page, shown).await?;
    check(fewer.as_u64() < all.as_u64(), format!("{fewer} of {all}"))
}

async fn dark_and_light(_: &Browser, page: &Client) -> Checked {
    eval(page, "document.querySelector('.case details').open = true").await?;
    for scheme in ["light", "dark"] {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        page.issue_cmd(Emulate("setEmulatedMedia", json!({ "features": features })))
            .await?;
        is(
            page,
            &format!("return matchMedia('(prefers-color-scheme: {scheme})').matches"),
            json!(true),
        )
        .await?;
        // WCAG 2.2, 1.4.3: the contrast of text must be 4.5 to 1 or more.
        let contrast = "
            const channel = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
            const light = (colour) => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map((n) => channel(n / 255));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ground = (node) => {
                for (; node; node = node.parentElement) {
                    const colour = getComputedStyle(node).backgroundColor;
                    if (!/, 0\\)/.test(colour)) return colour;
                }
            };
            return [...document.querySelectorAll('.verdict, .meta, td, dt, dd, .legend, .requirement, svg text, a')]
                .filter((node) => node.checkVisibility()).slice(0, 400).map((node) => {
                    const style = getComputedStyle(node);
                    const text = light(node instanceof SVGElement ? style.fill : style.color);
                    const behind = light(ground(node));
                    const ratio = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
                    return ratio < 4.5 ? `${node.getAttribute('class')} ${ratio}` : '';
                }).filter(Boolean)";
        is(page, contrast, json!([])).await?;
        picture(page, scheme).await?;
    }
    Ok(())
}

async fn phone(_: &Browser, page: &Client) -> Checked {
    is(page, "return innerWidth", json!(360)).await?;
    eval(page, "document.querySelector('.case details').open = true").await?;
    is(
        page,
        "return document.querySelectorAll('svg .row').length > 5",
        json!(true),
    )
    .await?;
    is(
        page,
        "return document.documentElement.scrollWidth",
        json!(360),
    )
    .await?;
    picture(page, "phone-top").await?;
    eval(page, "document.querySelector('.case svg').scrollIntoView()").await?;
    eval(
        page,
        "document.querySelector('.case svg .message').dispatchEvent(new Event('click'))",
    )
    .await?;
    is(
        page,
        "return document.documentElement.scrollWidth",
        json!(360),
    )
    .await?;
    // No label runs out of the picture.
    let over = "const right = document.querySelector('svg').getBoundingClientRect().right; \
        return [...document.querySelectorAll('svg text')].filter((t) => t.getBoundingClientRect().right > right + 1).map((t) => t.textContent)";
    is(page, over, json!([])).await?;
    picture(page, "phone").await
}

async fn without_scripts(_: &Browser, page: &Client) -> Checked {
    let first = page.find(Locator::Css(".case")).await?;
    let text = first.text().await?;
    check(text.contains("fail") && text.contains("mqtt/"), text)?;
    first.find(Locator::Css("summary")).await?.click().await?;
    let text = first.text().await?;
    check(text.contains("the connection closed"), text)
}

async fn a_thousand_cases(_: &Browser, page: &Client) -> Checked {
    is(
        page,
        "return document.querySelectorAll('.case').length",
        json!(1000),
    )
    .await?;
    let times = eval(page, "
        const shown = () => document.body.getBoundingClientRect().height;
        const took = (work) => { const before = performance.now(); work(); shown(); return performance.now() - before; };
        // The first layout belongs to the loading.
        shown();
        const field = document.querySelector('#text');
        const type = (text) => took(() => { field.value = text; field.dispatchEvent(new Event('input', { bubbles: true })); });
        const navigation = performance.getEntriesByType('navigation')[0];
        const details = [...document.querySelectorAll('.case > details')];
        return {
            load: navigation.domContentLoadedEventEnd,
            filter: Math.max(type('connack'), type('connack/code'), type('')),
            open: took(() => { details[500].open = true; details[500].dispatchEvent(new Event('toggle')); }),
            scroll: took(() => window.scrollTo(0, document.body.scrollHeight)),
        }").await?;
    eprintln!("a thousand cases, milliseconds: {times}");
    // What a reader feels as at once is 100 ms; the machine may be four times as busy.
    for (what, most) in [
        ("load", 6000.0),
        ("filter", 400.0),
        ("open", 400.0),
        ("scroll", 400.0),
    ] {
        let time = times[what].as_f64().unwrap_or(f64::MAX);
        check(time < most, format!("{what} took {time} ms of {most}"))?;
    }
    Ok(())
}

/// A command of Chromium's domain `Emulation`, and its parameters.
#[derive(Debug)]
struct Emulate(&'static str, Value);

impl WebDriverCompatibleCommand for Emulate {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": format!("Emulation.{}", self.0), "params": self.1 });
        (http::Method::POST, Some(body.to_string()))
    }
}
