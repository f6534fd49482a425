//! Each order drives its output once, and nothing else drives one.

use firmproof_bootconfig::BootConfig;
use firmproof_device::board::{Beeper, Led};
use firmproof_device::http::reader::{Event, RequestReader};
use firmproof_device::http::routes;
use mockall::predicate::eq;

use crate::rig::{Flash, MockOutputs, Mocked, device};

/// The status that the form is answered by on a board with these outputs.
fn post(outputs: MockOutputs, form: &str) -> u16 {
    let (board, config) = (Mocked::new(outputs), BootConfig::safe_default());
    let device = device(&board, &config, Flash::sound());
    let request = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let mut reader = RequestReader::default();
    let (used, event) = reader.receive(request.as_bytes());
    assert_eq!(event, Event::Head);
    assert_eq!(
        reader.receive(&request.as_bytes()[used..]).1,
        Event::Complete
    );
    let request = reader.request().expect("the head is sound");
    routes::answer(&device, &request, reader.content())
        .status
        .code()
}

#[test]
fn a_form_drives_each_output_that_it_names_once() {
    let mut outputs = MockOutputs::new();
    outputs
        .expect_set_led()
        .with(eq(Led::On))
        .once()
        .return_const(());
    outputs
        .expect_set_beeper()
        .with(eq(Beeper::Off))
        .once()
        .return_const(());
    assert_eq!(post(outputs, "led1=1&beep=4"), 303);
}

#[test]
fn an_output_that_a_form_does_not_name_is_left_alone() {
    // A call that is not expected fails.
    let mut outputs = MockOutputs::new();
    outputs
        .expect_set_beeper()
        .with(eq(Beeper::On))
        .once()
        .return_const(());
    assert_eq!(post(outputs, "beep=3&other=1"), 303);
    assert_eq!(post(MockOutputs::new(), ""), 303);
}

#[test]
fn a_refused_form_drives_nothing() {
    for form in ["led1=1&beep=5", "led1=1&led1=1", "led1=%3"] {
        assert_eq!(post(MockOutputs::new(), form), 400, "{form}");
    }
}
