//! The report, the documents and the data that they are made from.

use bench_report::{Beside, Change, Comparison, Kind, Run, Unit};

use crate::run::{around, entry, run};

#[test]
fn report_needs_no_script_and_loads_nothing() {
    let page = bench_report::report(&run(), None);
    for foreign in ["<script", "<link", "http://", "https://", "url(", "@import", "src="] {
        assert!(!page.contains(foreign), "the page contains {foreign}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
}

#[test]
fn report_has_every_figure_of_the_table() {
    let run = run();
    let (page, table) = (bench_report::report(&run, None), bench_report::summary_table(&run));
    for line in table.lines().skip(1) {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        // The first cell names the race, which the page calls by its title.
        for cell in cells.skip(1) {
            let cell = cell.trim_start_matches("prometheus-client ").trim_start_matches("<swift> ");
            let cell = cell.trim_start_matches("apart, router alone ");
            assert!(page.contains(cell), "the page lacks {cell}");
        }
    }
}

#[test]
fn names_cannot_break_the_page() {
    let page = bench_report::report(&run(), None);
    assert!(page.contains("&lt;swift&gt;") && !page.contains("<swift>"));
    assert!(page.contains("A &amp; B"));
}

#[test]
fn restless_machine_is_named_instead_of_a_verdict() {
    let mut run = run();
    assert!(bench_report::report(&run, None).contains("1 of 3 budgets do not hold"));
    run.unrest.reasons.push("other programs used everything".to_owned());
    let page = bench_report::report(&run, None);
    assert!(page.contains("No verdict: the machine was too restless"));
    assert!(page.contains("Other programs used everything."));
}

#[test]
fn course_is_drawn_when_there_is_one() {
    let mut run = run();
    assert!(!bench_report::report(&run, None).contains("<h2>Memory</h2>"));
    let mut growing = entry("node0", Kind::Node0, 1e6, None);
    growing.course = (0..600).map(|second| (f64::from(second), 1e6)).collect();
    run.races[0].entries = vec![growing];
    run.races[0].unit = Unit::Bytes;
    assert!(bench_report::report(&run, None).contains("<h2>Memory</h2>"));
    let published = run.published();
    assert!(published.races[0].entries[0].course.len() <= 120);
}

#[test]
fn changes_are_listed_with_their_words() {
    let mut run = run();
    let change = |name: &str, median| Change {
        race: "counter/held/1t".to_owned(),
        name: name.to_owned(),
        change: around(median),
    };
    let changes = vec![change("node0", 0.03), change("node0, other", 0.0)];
    let (with, commit) = ("before".to_owned(), "abc".to_owned());
    run.comparison = Some(Comparison { with, commit, pairs: 8, changes });
    let page = bench_report::report(&run, None);
    assert!(page.contains("1 worse, 0 unclear, 0 better, 1 same"), "{page}");
    assert!(page.contains("+3.00 % [+2.70 – +3.30]"));
}

#[test]
fn published_run_keeps_figures_and_drops_rounds() {
    let published = run().published();
    let text = serde_json::to_string(&published).expect("plain data");
    assert!(!text.contains("rounds"));
    let again: Run = serde_json::from_str(&text).expect("the same shape");
    assert_eq!(again.about.seconds, 400.0);
    assert_eq!(bench_report::document(&again), bench_report::document(&published));
}

#[test]
fn document_lists_what_is_lost_with_its_reason() {
    let mut run = run();
    let document = bench_report::document(&run);
    let (_, lost) = document.split_once("## Where node0 is not ahead").expect("a section");
    assert!(lost.contains("*Scrape*: budget ≤ 1 ×, node0 is 1.50 ×"), "{lost}");
    assert!(lost.contains("node0 takes 3.00 µs, <swift> 2.00 µs."), "{lost}");
    assert!(!lost.contains("*Count*"), "{lost}");
    run.races[1].id = "unheard-of".to_owned();
    assert!(bench_report::document(&run).contains("The reason is not known yet."));
}

#[test]
fn picture_and_readme_have_the_share_of_a_request() {
    let mut run = run();
    let picture = bench_report::picture(&run).expect("there is a request");
    assert!(picture.contains("+0.50 % [+0.45 – +0.55]") && picture.contains("budget 1 %"));
    let parts = bench_report::readme(&run);
    let words = &parts.iter().find(|(name, _)| *name == "overhead").expect("a part").1;
    assert!(words.contains("0.5"), "{words}");
    run.races[2].entries[1].beside = Some(Beside::Factor(around(1.0)));
    assert_eq!(bench_report::picture(&run), None);
}
