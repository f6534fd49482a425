//! Topic names and topic filters (§4.7).

use super::Violation;

/// Checks a topic name. `wildcard` is the statement that forbids wildcards where it stands.
pub(super) fn check_name(name: &str, wildcard: &'static str) -> Result<(), Violation> {
    if name.is_empty() {
        return Err(Violation::new("MQTT-4.7.3-1", "the topic name is empty"));
    }
    if name.contains(['#', '+']) {
        return Err(Violation::new(
            wildcard,
            format!("the topic name {name:?} has a wildcard"),
        ));
    }
    Ok(())
}

/// Checks a topic filter.
pub(super) fn check_filter(filter: &str) -> Result<(), Violation> {
    if filter.is_empty() {
        return Err(Violation::new("MQTT-4.7.3-1", "the topic filter is empty"));
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        if level.contains('#') && (level != "#" || levels.peek().is_some()) {
            return Err(Violation::new(
                "MQTT-4.7.1-2",
                format!("'#' is not the whole last level of the topic filter {filter:?}"),
            ));
        }
        if level.contains('+') && level != "+" {
            return Err(Violation::new(
                "MQTT-4.7.1-3",
                format!("'+' does not occupy a whole level of the topic filter {filter:?}"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(filter: &str) -> Option<&'static str> {
        check_filter(filter)
            .err()
            .map(|violation| violation.statement)
    }

    /// The examples of §4.7.1.2 and §4.7.1.3 and their neighbours.
    #[test]
    fn topic_filters_follow_the_examples_of_the_specification() {
        for (filter, expected) in [
            ("sport/tennis/player1/#", None),
            ("sport/#", None),
            ("#", None),
            ("sport/tennis/#", None),
            ("sport/tennis#", Some("MQTT-4.7.1-2")),
            ("sport/tennis/#/ranking", Some("MQTT-4.7.1-2")),
            ("#/", Some("MQTT-4.7.1-2")),
            ("##", Some("MQTT-4.7.1-2")),
            ("+", None),
            ("+/tennis/#", None),
            ("sport+", Some("MQTT-4.7.1-3")),
            ("sport/+/player1", None),
            ("/+", None),
            ("+/+", None),
            ("++", Some("MQTT-4.7.1-3")),
            ("+#", Some("MQTT-4.7.1-2")),
            ("/", None),
            ("$SYS/#", None),
            ("a b", None),
            ("", Some("MQTT-4.7.3-1")),
        ] {
            assert_eq!(verdict(filter), expected, "{filter}");
        }
    }

    #[test]
    fn topic_names_have_no_wildcards_and_are_not_empty() {
        for (name, expected) in [
            ("a", None),
            ("/", None),
            ("a//b c", None),
            ("a/+", Some("MQTT-3.3.2-2")),
            ("a#", Some("MQTT-3.3.2-2")),
            ("", Some("MQTT-4.7.3-1")),
        ] {
            let seen = check_name(name, "MQTT-3.3.2-2")
                .err()
                .map(|violation| violation.statement);
            assert_eq!(seen, expected, "{name}");
        }
    }
}
