//! Any bytes as the control page's form: reading never panics, and escaping every byte of a form
//! that is taken changes nothing.
#![no_main]

use firmproof_device::http::form::Controls;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|form: &[u8]| {
    let Ok(controls) = Controls::parse(form) else {
        return;
    };
    let mut escaped = Vec::new();
    for pair in form.split(|&byte| byte == b'&') {
        let mut value = false;
        let mut bytes = pair.iter().copied();
        while let Some(byte) = bytes.next() {
            match byte {
                // The separators, and what is escaped already, stay as they are.
                b'=' if !value => {
                    value = true;
                    escaped.push(byte);
                }
                b'%' => {
                    escaped.push(byte);
                    escaped.extend(bytes.by_ref().take(2));
                }
                b'+' => escaped.extend(b"%20"),
                other => escaped.extend(format!("%{other:02x}").bytes()),
            }
        }
        escaped.push(b'&');
    }
    escaped.pop();
    assert_eq!(Controls::parse(&escaped), Ok(controls));
});
