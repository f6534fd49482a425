//! The control page: one self-contained HTML document that works without scripts, without a mouse
//! and on a phone's width.

use core::fmt::{self, Display, Formatter, Write};

use embassy_time::Instant;

use crate::board::{Beeper, Led};
use crate::civil::Civil;
use crate::{Board, Device, VERSION};

/// Text as it may stand in HTML content and in quoted attributes.
struct Html<'a>(&'a str);

impl Display for Html<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// Targets of a finger's size, a focus that shows, and colours for light and dark rooms.
const STYLE: &str = ":root{color-scheme:light dark}*{box-sizing:border-box}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:1.5rem auto;padding:0 1rem}\
h1{font-size:1.4rem;overflow-wrap:anywhere}\
dl{display:grid;grid-template-columns:auto 1fr;gap:.3rem 1.5rem}dt{opacity:.75}\
dd{margin:0;font-weight:600;overflow-wrap:anywhere}\
fieldset{border:1px solid #888;border-radius:.5rem;margin:1rem 0;padding:.75rem 1rem}\
legend{font-weight:600;padding:0 .4rem}div{display:flex;gap:.75rem}\
button{font:inherit;flex:1;min-height:3rem;border:2px solid #777;border-radius:.5rem;\
background:none;color:inherit;cursor:pointer}\
button[aria-pressed=true]{background:#0b6b3a;border-color:#0b6b3a;color:#fff;font-weight:600}\
button:focus-visible{outline:3px solid #1a73e8;outline-offset:2px}";

/// Refreshes what the page shows; without scripts a reload does.
const SCRIPT: &str = "const t=(i,v)=>{const e=document.getElementById(i);\
if(e.textContent!==v)e.textContent=v},\
p=(n,v)=>{t(n,v);document.querySelectorAll('[data-of='+n+']').forEach(b=>\
b.setAttribute('aria-pressed',b.dataset.is===v))};\
setInterval(async()=>{try{const s=await(await fetch('/api/state')).json();\
t('time',s.time.local||'not synchronised 未同步');p('led',s.led);p('beeper',s.beeper);\
t('mqtt',s.mqtt)}catch{t('time','no connection 连接中断')}},2000)";

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub(super) fn write<B: Board>(device: &Device<'_, B>, out: &mut impl Write) -> fmt::Result {
    let id = Html(&device.config.device_id);
    // The empty icon saves a request for /favicon.ico, and the error that it would log.
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{id}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{id}</h1>\n\
         <dl>\n<dt>Time 时间</dt><dd id=\"time\">"
    )?;
    write_time(device, out)?;
    writeln!(
        out,
        "</dd>\n<dt>MQTT</dt><dd id=\"mqtt\">{}</dd>\n\
         <dt>Board 板</dt><dd>{} {VERSION}</dd>\n</dl>\n<form method=\"post\" action=\"/\">",
        device.status.mqtt.get().as_str(),
        B::NAME,
    )?;
    Switch {
        output: "led",
        label: "LED 灯",
        field: "led1",
        on: ("1", device.status.led.get() == Led::On),
        off: "2",
    }
    .write(out)?;
    Switch {
        output: "beeper",
        label: "Beeper 蜂鸣器",
        field: "beep",
        on: ("3", device.status.beeper.get() == Beeper::On),
        off: "4",
    }
    .write(out)?;
    writeln!(
        out,
        "</form>\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>"
    )
}

/// One output: what it is, and the two buttons that switch it.
struct Switch {
    output: &'static str,
    label: &'static str,
    field: &'static str,
    /// The form's value for on, and whether it is.
    on: (&'static str, bool),
    /// The form's value for off.
    off: &'static str,
}

impl Switch {
    fn write(&self, out: &mut impl Write) -> fmt::Result {
        let (output, field, (on, is_on)) = (self.output, self.field, self.on);
        let shown = if is_on { "on" } else { "off" };
        write!(
            out,
            "<fieldset><legend>{}: <output id=\"{output}\">{shown}</output></legend>\n<div>",
            self.label
        )?;
        for (is, value, text) in [("on", on, "On 开"), ("off", self.off, "Off 关")] {
            writeln!(
                out,
                "<button name=\"{field}\" value=\"{value}\" data-of=\"{output}\" data-is=\"{is}\" \
                 aria-pressed=\"{}\">{text}</button>",
                is == shown,
            )?;
        }
        out.write_str("</div></fieldset>\n")
    }
}

fn write_time<B: Board>(device: &Device<'_, B>, out: &mut impl Write) -> fmt::Result {
    let offset_s = device.config.ntp.utc_offset_s;
    match device
        .clock
        .now(Instant::now())
        .and_then(|time| Civil::from_unix(time.secs, offset_s))
    {
        Some(civil) => write!(out, "{civil}"),
        None => out.write_str("not synchronised 未同步"),
    }
}
