//! The control page as a person uses it: the device's page in headless Chromium, through WebDriver.
//!
//! Debian's packages `chromium` and `chromium-driver`. Where one is missing the tests are ignored by name, unless
//! `FIRMPROOF_REQUIRE` has `browser`. Screenshots are kept in `target/firmproof/control-page`.

mod browser;
mod device;

use std::process::ExitCode;
use std::sync::Arc;

use fantoccini::Locator;
use libtest_mimic::{Arguments, Failed, Trial};

use browser::{Browser, Width};
use device::Served;

type Checked<T = ()> = Result<T, Failed>;

/// The outputs: name in the state, the form's field, its values for on and off.
const SWITCHES: [(&str, &str, &str, &str); 2] =
    [("led", "led1", "1", "2"), ("beeper", "beep", "3", "4")];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => Arc::new(runtime),
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::from(2);
        }
    };
    let required = std::env::var("FIRMPROOF_REQUIRE").unwrap_or_default();
    let is_required = required.split(',').any(|r| r.trim() == "browser");
    let missing = browser::missing();
    let trial = |name: &'static str, width: Width, test: Test| {
        let runtime = runtime.clone();
        let shown = match missing {
            Some(program) => format!("control-page/{name} ({program} is missing)"),
            None => format!("control-page/{name}"),
        };
        Trial::test(shown, move || runtime.block_on(on_page(name, width, test)))
            .with_ignored_flag(missing.is_some() && !is_required)
    };
    let trials = vec![
        trial(
            "both-switches-work-and-their-state-is-shown-after-a-reload",
            Width::Desk,
            |page| Box::pin(switches_work(page)),
        ),
        trial("the-layout-holds-on-a-phone", Width::Phone, |page| {
            Box::pin(holds_on_a_phone(page))
        }),
        trial("it-is-usable-without-a-mouse", Width::Desk, |page| {
            Box::pin(without_a_mouse(page))
        }),
        trial(
            "what-is-switched-elsewhere-is-shown-without-a-reload",
            Width::Desk,
            |page| Box::pin(shows_what_happens_elsewhere(page)),
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A device, and its page in a browser.
struct Page {
    served: Served,
    browser: Browser,
    name: &'static str,
}

type Test = for<'p> fn(&'p Page) -> std::pin::Pin<Box<dyn Future<Output = Checked> + Send + 'p>>;

async fn on_page(name: &'static str, width: Width, test: Test) -> Checked {
    let served = Served::start().await?;
    let browser = Browser::open(width).await?;
    let page = Page {
        served,
        browser,
        name,
    };
    let judged = judge(&page, test).await;
    // Whatever was found: a browser outlives its driver, unless it is told to go.
    page.browser.close().await;
    judged
}

async fn judge(page: &Page, test: Test) -> Checked {
    page.browser.client.goto(&page.served.url).await?;
    let judged = test(page).await;
    page.shot("end").await?;
    let errors = page.browser.console_errors().await?;
    judged?;
    check(
        errors.is_empty(),
        format!("the browser's console has {errors:?}"),
    )
}

impl Page {
    /// Keeps what a person sees.
    async fn shot(&self, when: &str) -> Checked {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../target/firmproof/control-page");
        std::fs::create_dir_all(&folder)?;
        let picture = self.browser.client.screenshot().await?;
        std::fs::write(folder.join(format!("{}-{when}.png", self.name)), picture)?;
        Ok(())
    }

    /// What the page says of an output.
    async fn shown(&self, output: &str) -> Checked<String> {
        let element = self.browser.client.find(Locator::Id(output)).await?;
        Ok(element.text().await?)
    }

    /// Whether the button with this value is shown as pressed.
    async fn is_pressed(&self, field: &str, value: &str) -> Checked<bool> {
        let button = self.button(field, value).await?;
        Ok(button.attr("aria-pressed").await?.as_deref() == Some("true"))
    }

    async fn button(&self, field: &str, value: &str) -> Checked<fantoccini::elements::Element> {
        let css = format!("button[name='{field}'][value='{value}']");
        Ok(self.browser.client.find(Locator::Css(&css)).await?)
    }

    /// Waits until the page, the device's state and the buttons agree that `output` is `wanted`.
    async fn agrees(&self, output: &str, field: &str, value: &str, wanted: &str) -> Checked {
        // A click returns before the form that it sends is answered, and elements go with the page that they were on.
        let until = tokio::time::Instant::now() + firmproof::bench::PATIENCE;
        loop {
            match self.agrees_now(output, field, value, wanted).await {
                Err(_) if tokio::time::Instant::now() < until => {}
                judged => return judged,
            }
        }
    }

    async fn agrees_now(&self, output: &str, field: &str, value: &str, wanted: &str) -> Checked {
        let state = self.served.output(output).await?;
        check(
            state == wanted,
            format!("{output} is {state} in /api/state, not {wanted}"),
        )?;
        let shown = self.shown(output).await?;
        check(
            shown == wanted,
            format!("the page says that {output} is {shown}, not {wanted}"),
        )?;
        check(
            self.is_pressed(field, value).await?,
            format!("the button for {wanted} of {output} is not shown as pressed"),
        )
    }
}

fn check(holds: bool, otherwise: impl std::fmt::Display) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Failed::from(otherwise.to_string()))
    }
}

async fn switches_work(page: &Page) -> Checked {
    for (output, field, on, off) in SWITCHES {
        for (value, wanted) in [(on, "on"), (off, "off"), (on, "on")] {
            page.button(field, value).await?.click().await?;
            page.agrees(output, field, value, wanted).await?;
            page.browser.client.refresh().await?;
            page.agrees(output, field, value, wanted).await?;
        }
        page.shot(output).await?;
    }
    // A reload of what a form led to sends no form again: it is a GET (RFC 9110 §15.4.4).
    let url = page.browser.client.current_url().await?;
    check(
        url.as_str() == page.served.url,
        format!("the form leads to {url}"),
    )
}

async fn holds_on_a_phone(page: &Page) -> Checked {
    const MEASURE: &str = "const r = e => { const b = e.getBoundingClientRect();\
        return {name: e.tagName + ' ' + e.textContent.trim().slice(0, 20), left: b.left, right: b.right,\
        height: b.height, font: parseFloat(getComputedStyle(e).fontSize)} };\
        return {inner: window.innerWidth, scroll: document.documentElement.scrollWidth,\
        all: [...document.body.querySelectorAll('*')].filter(e => e.tagName !== 'SCRIPT').map(r),\
        buttons: [...document.querySelectorAll('button')].map(r)}";
    let seen = page.browser.client.execute(MEASURE, Vec::new()).await?;
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
    let inner = number(&seen["inner"]);
    check(
        (inner - 360.0).abs() < 1.0,
        format!("the page is {inner} px wide, not a phone's 360"),
    )?;
    let scroll = number(&seen["scroll"]);
    check(
        scroll <= inner,
        format!("the page is scrolled sideways: {scroll} px in {inner}"),
    )?;
    for element in seen["all"].as_array().into_iter().flatten() {
        let inside = number(&element["left"]) >= 0.0 && number(&element["right"]) <= inner;
        check(inside, format!("beyond the edge: {element}"))?;
    }
    let buttons = seen["buttons"].as_array().cloned().unwrap_or_default();
    check(buttons.len() == 4, format!("{} buttons", buttons.len()))?;
    for button in &buttons {
        // WCAG 2.2, 2.5.5: 44 CSS pixels for a finger; 16 px keep phones from zooming in.
        let large = number(&button["height"]) >= 44.0 && number(&button["font"]) >= 16.0;
        check(large, format!("too small for a finger: {button}"))?;
    }
    switches_work(page).await
}

async fn without_a_mouse(page: &Page) -> Checked {
    const FOCUS: &str = "const e = document.activeElement, s = getComputedStyle(e);\
        return {name: e.name || '', value: e.value || '', outline: parseFloat(s.outlineWidth), style: s.outlineStyle}";
    for (output, field, on, off) in SWITCHES {
        for (value, wanted) in [(on, "on"), (off, "off"), (on, "on")] {
            let mut reached = false;
            for _ in 0..8 {
                page.browser.press(browser::TAB).await?;
                let focus = page.browser.client.execute(FOCUS, Vec::new()).await?;
                if focus["name"] == field && focus["value"] == value {
                    let outline = focus["outline"].as_f64().unwrap_or_default();
                    let shown = outline >= 1.0 && focus["style"] != "none";
                    check(shown, format!("the focus does not show: {focus}"))?;
                    reached = true;
                    break;
                }
            }
            check(
                reached,
                format!("Tab does not lead to {wanted} of {output}"),
            )?;
            page.shot("focus").await?;
            page.browser.press(browser::ENTER).await?;
            page.browser.settled(&page.served.url).await?;
            page.agrees(output, field, value, wanted).await?;
        }
    }
    Ok(())
}

async fn shows_what_happens_elsewhere(page: &Page) -> Checked {
    for (output, field, on, off) in SWITCHES {
        for (value, wanted) in [(on, "on"), (off, "off")] {
            page.served.submit(&format!("{field}={value}")).await?;
            // The page asks every two seconds.
            let script = "const [id, wanted, done] = arguments; const e = document.getElementById(id);\
                const check = () => e.textContent === wanted && (done(true), true);\
                if (!check()) new MutationObserver(check).observe(e, {childList: true, characterData: true, subtree: true});";
            let arguments = vec![output.into(), wanted.into()];
            let waited = page.browser.client.execute_async(script, arguments);
            let shown = tokio::time::timeout(firmproof::bench::PATIENCE, waited).await;
            check(
                matches!(shown, Ok(Ok(_))),
                format!("the page does not show that {output} is {wanted}"),
            )?;
            page.agrees(output, field, value, wanted).await?;
        }
    }
    Ok(())
}
