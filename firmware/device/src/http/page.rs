//! The control page: one self-contained HTML document that works without scripts.

use core::fmt::{self, Display, Formatter, Write};

use embassy_time::Instant;

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

const STYLE: &str = "body{font:1.1em/1.5 system-ui,sans-serif;max-width:32em;margin:2em auto;\
padding:0 1em;color:#222;background:#fafafa}h1{font-size:1.4em}dl{display:grid;\
grid-template-columns:auto 1fr;gap:.3em 1.5em}dt{color:#555}dd{margin:0;font-weight:600}\
fieldset{border:1px solid #ccc;border-radius:.5em;margin:1em 0}\
button{font:inherit;padding:.4em 1.4em;margin:.2em}";

/// Refreshes what the page shows; without scripts a reload does.
const SCRIPT: &str = "setInterval(async()=>{try{const s=await(await fetch('/api/state')).json(),\
t=(i,v)=>document.getElementById(i).textContent=v;t('time',s.time.local||'not synchronised 未同步');\
t('led',s.led);t('beeper',s.beeper);t('mqtt',s.mqtt)}catch(e){}},2000)";

/// Writes the page.
///
/// # Errors
/// Those of `out`.
pub(super) fn write<B: Board>(device: &Device<'_, B>, out: &mut impl Write) -> fmt::Result {
    let id = Html(&device.config.device_id);
    let led = device.status.led.get().as_str();
    let beeper = device.status.beeper.get().as_str();
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{id}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{id}</h1>\n<dl>\n\
         <dt>Time 时间</dt><dd id=\"time\">"
    )?;
    write_time(device, out)?;
    write!(
        out,
        "</dd>\n<dt>LED 灯</dt><dd id=\"led\">{led}</dd>\n\
         <dt>Beeper 蜂鸣器</dt><dd id=\"beeper\">{beeper}</dd>\n\
         <dt>MQTT</dt><dd id=\"mqtt\">{}</dd>\n\
         <dt>Board 板</dt><dd>{} {VERSION}</dd>\n</dl>\n\
         <form method=\"post\" action=\"/\">\n<fieldset><legend>LED 灯</legend>\n\
         <button name=\"led1\" value=\"1\">On 开</button>\n\
         <button name=\"led1\" value=\"2\">Off 关</button>\n</fieldset>\n\
         <fieldset><legend>Beeper 蜂鸣器</legend>\n\
         <button name=\"beep\" value=\"3\">On 开</button>\n\
         <button name=\"beep\" value=\"4\">Off 关</button>\n</fieldset>\n</form>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        device.status.mqtt.get().as_str(),
        B::NAME,
    )
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
