//! Texts of rules as templates of Prometheus.
//!
//! The texts of the service's rules have `{value}`, `{threshold}` and labels in braces. Prometheus
//! has Go's templates, and writes a number with its unit by functions such as `humanizeDuration`.
//! The threshold is written here as those functions would.

/// The unit of an alert's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Seconds, written as `1.2s` or `110ms`.
    Seconds,
    /// A share from 0 to 1, written as `55%`.
    Ratio,
    /// Anything else, written as `6` or `1.2k`.
    None,
}

/// What the texts of a rule may contain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'r> {
    /// The labels of its alerts, those of the target first.
    pub(super) labels: &'r [&'r str],
    /// The component of a rule without labels of its own.
    pub(super) component: &'r str,
    pub(super) unit: Unit,
    pub(super) threshold: f64,
}

/// The labels of the target, with which a summary begins.
const PLACE: [&str; 2] = ["job", "instance"];

impl Texts<'_> {
    /// Writes the summary: where, and then what.
    pub(super) fn summary(&self, template: &str) -> String {
        let place = self.labels.iter().filter(|label| PLACE.contains(label));
        let place = place.map(|label| of_label(label)).collect::<Vec<_>>().join(" at ");
        format!("{place}: {}", self.of(template))
    }

    /// Writes the description: what it means, and the value with all labels.
    pub(super) fn description(&self, template: &str) -> String {
        let optional = |label: &&str| {
            // Not every target is in Kubernetes.
            let name = *label;
            if name == "namespace" {
                format!("{{{{ with $labels.{name} }}}}{name} {{{{ . }}}}, {{{{ end }}}}")
            } else {
                format!("{name} {}, ", of_label(name))
            }
        };
        let labels: String = self.labels.iter().map(optional).collect();
        let labels = labels.trim_end_matches(", ");
        format!("{} Value {}; {labels}.", self.of(template), self.value())
    }

    /// Writes a text.
    pub(super) fn of(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, name, after)) = next_placeholder(rest) {
            text.push_str(before);
            text.push_str(&self.placeholder(name));
            rest = after;
        }
        text + rest
    }

    fn placeholder(&self, name: &str) -> String {
        match name {
            "value" => self.value(),
            "threshold" => human(self.threshold, self.unit),
            "component" => {
                let own = self.labels.iter().filter(|label| !is_of_target(label));
                let own = own.map(|label| of_label(label)).collect::<Vec<_>>().join("/");
                if own.is_empty() { self.component.to_owned() } else { own }
            }
            label => of_label(label),
        }
    }

    fn value(&self) -> String {
        let function = match self.unit {
            Unit::Seconds => "humanizeDuration",
            Unit::Ratio => "humanizePercentage",
            Unit::None => "humanize",
        };
        format!("{{{{ $value | {function} }}}}")
    }
}

fn is_of_target(label: &str) -> bool {
    PLACE.contains(&label) || label == "namespace"
}

fn of_label(label: &str) -> String {
    format!("{{{{ $labels.{label} }}}}")
}

/// Writes a threshold as Prometheus writes values.
fn human(value: f64, unit: Unit) -> String {
    // Four digits at most: 0.7 is 70.00000000000001 % in floating point.
    let short = |value: f64| (value * 1e4).round() / 1e4;
    match unit {
        Unit::Seconds if value < 1.0 => format!("{}ms", short(value * 1e3)),
        Unit::Seconds => format!("{}s", short(value)),
        Unit::Ratio => format!("{}%", short(value * 100.0)),
        Unit::None => short(value).to_string(),
    }
}

/// Splits a text at its first placeholder: the text before it, its name, the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, inside) = text.split_once('{')?;
    let (name, after) = inside.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: Texts<'static> = Texts {
        labels: &["namespace", "job", "instance", "cache", "tier"],
        component: "memory",
        unit: Unit::Ratio,
        threshold: 0.7,
    };

    #[test]
    fn placeholders_become_templates() {
        assert_eq!(
            TEXTS.of("{component}: {value} of {tier}, less than {threshold}"),
            "{{ $labels.cache }}/{{ $labels.tier }}: {{ $value | humanizePercentage }} of \
             {{ $labels.tier }}, less than 70%"
        );
    }

    #[test]
    fn summary_begins_with_the_place() {
        let of_process = Texts { labels: &["namespace", "job", "instance"], ..TEXTS };
        assert_eq!(
            of_process.summary("{component} is short"),
            "{{ $labels.job }} at {{ $labels.instance }}: memory is short"
        );
    }

    #[test]
    fn description_ends_with_value_and_labels() {
        let texts = Texts { labels: &["namespace", "job"], unit: Unit::None, ..TEXTS };
        assert_eq!(
            texts.description("All wait."),
            "All wait. Value {{ $value | humanize }}; \
             {{ with $labels.namespace }}namespace {{ . }}, {{ end }}job {{ $labels.job }}."
        );
    }

    #[test]
    fn thresholds_are_written_as_prometheus_writes_values() {
        let check = |value, unit, expected| assert_eq!(human(value, unit), expected);
        check(1.0, Unit::Seconds, "1s");
        check(0.1, Unit::Seconds, "100ms");
        check(0.7, Unit::Ratio, "70%");
        check(5.0, Unit::None, "5");
    }
}
