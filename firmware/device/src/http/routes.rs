//! What each resource answers to each method.

use super::bearer;
use super::form::Controls;
use super::request::Request;
use super::response::{Answer, Content};
use super::status::Status;
use super::target::{Method, Target, path_is};
use crate::status::UpdateState;
use crate::update::Request as UpdateRequest;
use crate::update::offer::OfferError;
use crate::{Board, Device};

/// The server's resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resource {
    /// `/`: the control page and its form.
    Page,
    /// `/api/state`.
    State,
    /// `/api/update`.
    Update,
}

impl Resource {
    fn find(path: &[u8]) -> Option<Self> {
        [
            ("/", Self::Page),
            ("/api/state", Self::State),
            ("/api/update", Self::Update),
        ]
        .into_iter()
        .find_map(|(plain, resource)| path_is(path, plain).then_some(resource))
    }

    fn allow(self) -> &'static str {
        match self {
            Self::Page => "GET, HEAD, POST, OPTIONS",
            Self::State => "GET, HEAD, OPTIONS",
            Self::Update => "POST, OPTIONS",
        }
    }
}

/// What a head alone decides.
enum Verdict {
    /// The answer; the content does not matter.
    Answer(Answer),
    /// The form, once its content is here.
    Form,
    /// The update, once its content is here.
    Update,
}

/// The final answer that a request's head already decides, if it does. A client that waits for
/// 100 (Continue) gets it in place of that (RFC 9110 §10.1.1).
pub fn answer_to_head<B: Board>(device: &Device<'_, B>, request: &Request<'_>) -> Option<Answer> {
    match judge(device, request) {
        Verdict::Answer(answer) => Some(answer),
        Verdict::Form | Verdict::Update => None,
    }
}

/// Does what a complete request asks for, and answers it.
pub fn answer<B: Board>(device: &Device<'_, B>, request: &Request<'_>, content: &[u8]) -> Answer {
    match judge(device, request) {
        Verdict::Answer(answer) => answer,
        Verdict::Form => post_form(device, content),
        Verdict::Update => post_update(device, content),
    }
}

fn judge<B: Board>(device: &Device<'_, B>, request: &Request<'_>) -> Verdict {
    let method = request.line.method;
    let refuse = |status, detail| Verdict::Answer(Answer::text(status, detail));
    if matches!(method, Method::Unknown | Method::Connect) {
        return refuse(Status::NotImplemented, "the method is not known");
    }
    let resource = match request.line.target {
        // Only OPTIONS comes here with these.
        Target::Server | Target::Authority => {
            return Verdict::Answer(
                Answer::ok(Content::Empty).allowing("GET, HEAD, POST, OPTIONS"),
            );
        }
        Target::Path(path) => match Resource::find(path) {
            Some(resource) => resource,
            None => return refuse(Status::NotFound, "there is no such resource"),
        },
    };
    match (resource, method) {
        (_, Method::Options) => {
            Verdict::Answer(Answer::ok(Content::Empty).allowing(resource.allow()))
        }
        (Resource::Page, Method::Get | Method::Head) => Verdict::Answer(Answer::ok(Content::Page)),
        (Resource::State, Method::Get | Method::Head) => {
            Verdict::Answer(Answer::ok(Content::State))
        }
        (Resource::Page, Method::Post) => {
            match check_type(request, b"application/x-www-form-urlencoded") {
                Ok(()) => Verdict::Form,
                Err(answer) => Verdict::Answer(answer),
            }
        }
        (Resource::Update, Method::Post) => {
            let token = device.config.update.token.as_str();
            let authorized = match request.fields.single("authorization") {
                Ok(Some(value)) => bearer::authorizes(value, token),
                _ => false,
            };
            if !authorized {
                return refuse(Status::Unauthorized, "the update token is wrong or missing");
            }
            match check_type(request, b"application/json") {
                Ok(()) => Verdict::Update,
                Err(answer) => Verdict::Answer(answer),
            }
        }
        _ => Verdict::Answer(
            Answer::text(
                Status::MethodNotAllowed,
                "the resource does not allow the method",
            )
            .allowing(resource.allow()),
        ),
    }
}

/// RFC 9110 §8.3, §8.4: the media type without its parameters, and no content coding.
fn check_type(request: &Request<'_>, expected: &[u8]) -> Result<(), Answer> {
    let refuse = |detail| Err(Answer::text(Status::UnsupportedMediaType, detail));
    if request
        .fields
        .list("content-encoding")
        .any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
    {
        return refuse("content codings are not supported");
    }
    let media_type = match request.fields.single("content-type") {
        Ok(Some(value)) => value.split(|&b| b == b';').next().unwrap_or_default(),
        Ok(None) => return refuse("Content-Type is missing"),
        Err(_) => return refuse("Content-Type is given more than once"),
    };
    if media_type.trim_ascii().eq_ignore_ascii_case(expected) {
        Ok(())
    } else {
        refuse("the resource does not take this Content-Type")
    }
}

fn post_form<B: Board>(device: &Device<'_, B>, content: &[u8]) -> Answer {
    match Controls::parse(content) {
        Ok(controls) => {
            if let Some(led) = controls.led {
                device.set_led(led);
            }
            if let Some(beeper) = controls.beeper {
                device.set_beeper(beeper);
            }
            // See Other, so that a reload of the page does not post again (RFC 9110 §15.4.4).
            Answer {
                location: Some("/"),
                ..Answer::text(Status::SeeOther, "done")
            }
        }
        Err(error) => Answer::text(Status::BadRequest, error.0),
    }
}

fn post_update<B: Board>(device: &Device<'_, B>, content: &[u8]) -> Answer {
    let request = match UpdateRequest::parse(content) {
        Ok(request) => request,
        Err(OfferError(detail)) => return Answer::text(Status::BadRequest, detail),
    };
    let inactive = usize::from(device.board.running_slot() == 0);
    let slots = device.board.flash_layout().slots;
    let room = slots
        .get(inactive)
        .map_or(0, |slot| slot.end.saturating_sub(slot.start));
    if request.length > room {
        return Answer::text(Status::ContentTooLarge, "the image is larger than the slot");
    }
    let busy = matches!(device.status.update.get(), UpdateState::Downloading { .. });
    if busy || device.update_requests.try_send(request).is_err() {
        return Answer::text(Status::Conflict, "another update is in progress");
    }
    device
        .status
        .update
        .set(UpdateState::Downloading { received: 0 });
    device.state_changed.signal(());
    Answer::text(Status::Accepted, "the update has started")
}
