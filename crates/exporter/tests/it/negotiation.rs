use node0_exporter::{Exporter, Format, NativeHistograms};

fn negotiate<'a>(accept: impl IntoIterator<Item = &'a str>) -> Format {
    Exporter::new().negotiate(accept).format()
}

#[track_caller]
fn check(accept: &str, expected: Format) {
    assert_eq!(negotiate(Some(accept)), expected, "{accept}");
}

#[test]
fn real_scrapers_get_what_they_rank_highest() {
    let prometheus_2_42 = "application/openmetrics-text;version=1.0.0,\
        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let with_native_histograms = "application/vnd.google.protobuf;\
        proto=io.prometheus.client.MetricFamily;encoding=delimited,\
        application/openmetrics-text;version=1.0.0;q=0.8,\
        application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let prometheus_2_53 = "application/vnd.google.protobuf;\
        proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.5,\
        application/openmetrics-text;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,\
        text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for accept in [prometheus_2_42, with_native_histograms, prometheus_2_53, prometheus_3] {
        check(accept, Format::OpenMetrics);
    }
    check("text/plain;version=0.0.4;q=1,*/*;q=0.1", Format::Text);
}

#[test]
fn people_get_text() {
    assert_eq!(negotiate(None), Format::Text);
    check("*/*", Format::Text);
    check("text/*", Format::Text);
    check("text/*, application/*", Format::Text);
    check(
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        Format::Text,
    );
}

#[test]
fn q_values_are_compared() {
    check("text/plain;q=0.3, application/openmetrics-text;q=0.31", Format::OpenMetrics);
    check("text/plain;q=0.31, application/openmetrics-text;q=0.3", Format::Text);
    check("application/openmetrics-text;q=0.5, */*", Format::Text);
    check("application/openmetrics-text, text/plain", Format::OpenMetrics);
    check("text/plain, application/openmetrics-text", Format::OpenMetrics);
    check("application/*, text/*;q=0.9", Format::OpenMetrics);
}

#[test]
fn the_most_specific_range_decides() {
    check("*/*, application/openmetrics-text;q=0.2, text/plain;q=0.1", Format::OpenMetrics);
    check(
        "text/*;q=0.9, text/plain;q=0.1, application/openmetrics-text;q=0.5",
        Format::OpenMetrics,
    );
    check(
        "text/plain;q=0.9, text/plain;version=0.0.4;q=0.1, text/plain;version=1.0.0;q=0.1, \
         application/openmetrics-text;q=0.5",
        Format::OpenMetrics,
    );
}

#[test]
fn zero_excludes() {
    check("application/openmetrics-text;q=0, text/plain;q=0.1", Format::Text);
    check("application/openmetrics-text;q=0.0, */*", Format::Text);
    check("text/plain;q=0, */*", Format::OpenMetrics);
    check("text/plain;q=0.000, application/*;q=0.001", Format::OpenMetrics);
}

#[test]
fn versions_that_are_not_ours_do_not_match() {
    check("application/openmetrics-text;version=0.0.1, text/plain;q=0.1", Format::Text);
    check("application/openmetrics-text; version=\"1.0.0\", text/plain;q=0.1", Format::OpenMetrics);
    check("text/plain;version=2.0.0, application/openmetrics-text;q=0.1", Format::OpenMetrics);
    check("application/openmetrics-text;charset=latin1, text/plain;q=0.1", Format::Text);
    check("Application/OpenMetrics-Text;Version=1.0.0;Charset=UTF-8", Format::OpenMetrics);
}

#[test]
fn nothing_that_matches_is_text_and_never_a_refusal() {
    check("", Format::Text);
    check("image/png", Format::Text);
    check("text/plain;q=0", Format::Text);
    check("application/openmetrics-text;q=0", Format::Text);
    check("application/vnd.google.protobuf", Format::Text);
}

#[test]
fn malformed_ranges_are_ignored() {
    let openmetrics = "application/openmetrics-text";
    for part in ["", ",", "nonsense", "*/plain", "/", "a/b/c", "text/plain;q", "text/pl ain"] {
        check(&format!("{part},{openmetrics};q=0.1"), Format::OpenMetrics);
    }
    for q in ["x", "-1", "2", "1.001", "0.1234", "NaN", "1e999", "1e0", ".5", "", "+0.5", "0.+5"] {
        check(&format!("text/plain;q={q}, {openmetrics};q=0.1"), Format::OpenMetrics);
        check(&format!("{openmetrics};q={q}, text/plain;q=0.1"), Format::Text);
    }
    check("text/plain;x=\"a,b;q=0\";q=0.2, application/openmetrics-text;q=0.1", Format::Text);
    check("text/plain;x=\"a\\\",\";q=0, application/openmetrics-text;q=0.1", Format::OpenMetrics);
    check(&format!("{openmetrics};{}", "a=b;".repeat(5_000)), Format::OpenMetrics);
}

#[test]
fn several_headers_are_one_list() {
    let headers = ["text/plain;q=0.5", "application/openmetrics-text;version=1.0.0"];
    assert_eq!(negotiate(headers), Format::OpenMetrics);
}

#[test]
fn content_types_are_exact() {
    assert_eq!(Format::Text.content_type(), "text/plain; version=0.0.4; charset=utf-8");
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(Format::OpenMetrics.content_type(), openmetrics);
    check(Format::Text.content_type(), Format::Text);
    check(Format::OpenMetrics.content_type(), Format::OpenMetrics);
}

#[test]
fn protobuf_is_for_those_who_name_it_and_an_exporter_that_offers_it() {
    let exporter = Exporter::builder().native_histograms(NativeHistograms::new()).build();
    let check = |accept: &str, expected| {
        assert_eq!(exporter.negotiate(Some(accept)).format(), expected, "{accept}");
    };
    let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
        encoding=delimited";
    let rest = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5";
    check(&format!("{protobuf},{rest},*/*;q=0.1"), Format::Protobuf);
    check(&format!("{protobuf};q=0.6;escaping=allow-utf-8,{rest}"), Format::OpenMetrics);
    check("*/*", Format::Text);
    check("application/*", Format::OpenMetrics);
    check("application/vnd.google.protobuf;encoding=text,text/plain;q=0.1", Format::Text);
    check("application/vnd.google.protobuf;proto=other;q=1,text/plain;q=0.1", Format::Text);
    check(Format::Protobuf.content_type(), Format::Protobuf);
    assert_eq!(negotiate(Some(Format::Protobuf.content_type())), Format::Text);
}

#[test]
fn the_content_type_says_the_version_and_the_escaping_that_were_asked_for() {
    let check = |accept: &str, content_type: &str| {
        assert_eq!(Exporter::new().negotiate(Some(accept)).to_string(), content_type, "{accept}");
    };
    check("text/plain", "text/plain; version=0.0.4; charset=utf-8");
    check("*/*", "text/plain; version=0.0.4; charset=utf-8");
    check("text/plain;version=1.0.0", "text/plain; version=1.0.0; charset=utf-8");
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    check("application/openmetrics-text", openmetrics);
    for (asked, given) in [
        ("allow-utf-8", "allow-utf-8"),
        ("values", "values"),
        ("dots", "underscores"),
        ("sideways", "underscores"),
    ] {
        check(
            &format!("application/openmetrics-text;version=1.0.0;escaping={asked}"),
            &format!("{openmetrics}; escaping={given}"),
        );
    }
    let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
        application/openmetrics-text;version=0.0.1;q=0.5,\
        text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    check(prometheus_3, &format!("{openmetrics}; escaping=allow-utf-8"));
    // A page that had to be rendered in another format says so.
    let accepted = Exporter::new().negotiate(Some(prometheus_3));
    let text = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(accepted.rendered_as(Format::Text).to_string(), text);
}
