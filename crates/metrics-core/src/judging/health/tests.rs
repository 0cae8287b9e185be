use super::*;
use crate::judging::finding::Finding;
use crate::judging::judgement::Judgement;

static DATABASE: Topic = Topic::new("database", "database").required();
static CACHE: Topic = Topic::new("cache", "cache");

fn scored(score: u8) -> Folded {
    Judgement::healthy("").with(Finding::warning("bad").penalty(100 - score)).fold("cache")
}

fn overall(topics: &[(&'static Topic, Folded)]) -> Overall {
    let topics: Vec<_> =
        topics.iter().map(|(topic, of)| TopicHealth::first(topic, of.clone())).collect();
    Overall::of(&topics)
}

#[test]
fn status_follows_the_score() {
    let of = |score| Status::of(Some(score));
    assert_eq!(
        (of(86), of(85), of(70), of(69)),
        (Status::Healthy, Status::Degraded, Status::Degraded, Status::Unhealthy,)
    );
    assert_eq!(Status::of(None), Status::Unknown);
}

#[test]
fn a_dead_required_topic_cannot_hide_behind_a_good_one() {
    let all = overall(&[(&DATABASE, scored(10)), (&CACHE, scored(100))]);
    assert_eq!(all, Overall { status: Status::Unhealthy, score: Some(10) });
}

#[test]
fn a_dead_required_topic_counts_also_without_a_weight() {
    static GATE: Topic = Topic::new("gate", "gate").weight(0).required();
    static NOTE: Topic = Topic::new("note", "note").weight(0);
    let dead = overall(&[(&GATE, scored(10)), (&NOTE, scored(100))]);
    assert_eq!(dead, Overall { status: Status::Unhealthy, score: Some(10) });
    assert_eq!(overall(&[(&NOTE, scored(100))]).score, None, "nothing counts");
}

#[test]
fn an_optional_topic_pulls_the_mean_only() {
    assert_eq!(overall(&[(&DATABASE, scored(100)), (&CACHE, scored(40))]).score, Some(70));
}

#[test]
fn unknown_is_left_out_of_the_mean() {
    let unknown = Judgement::unknown("no traffic").fold("cache");
    assert_eq!(overall(&[(&DATABASE, scored(90)), (&CACHE, unknown.clone())]).score, Some(90));
    assert_eq!(overall(&[(&CACHE, unknown)]), Overall { status: Status::Unknown, score: None });
}

const RULE: Hysteresis = Hysteresis { ticks: 2, lasting: Duration::from_secs(1) };

/// Judges once for each score, with a pause of some milliseconds, and returns each published status.
fn believed(millis: u64, scores: &[u8]) -> Vec<Option<u8>> {
    let mut health = TopicHealth::first(&CACHE, scored(100));
    let ticks = scores.iter().zip(1..).map(|(score, tick)| {
        health.update(scored(*score), Duration::from_millis(tick * millis), RULE);
        health.assessment.score
    });
    ticks.collect()
}

#[test]
fn change_is_believed_when_it_lasts_for_two_ticks() {
    assert_eq!(believed(1000, &[50]), [Some(100)]);
    assert_eq!(believed(1000, &[50, 60]), [Some(100), Some(60)]);
    assert_eq!(believed(1000, &[50, 100, 50]), [Some(100); 3], "the row was broken");
}

#[test]
fn bad_ticks_in_a_row_are_believed_as_bad_as_all_of_them() {
    let by_turns = [80, 50, 80, 50, 50, 75];
    let expected = [100, 80, 80, 80, 50, 50].map(Some);
    assert_eq!(believed(1000, &by_turns), expected);
    assert_eq!(believed(1000, &[50, 80, 50]), [Some(100), Some(80), Some(80)]);
    // And back: degraded and healthy by turns is better than unhealthy.
    let back = [50, 50, 80, 100, 80, 100, 100];
    assert_eq!(believed(1000, &back), [100, 50, 50, 80, 80, 80, 100].map(Some));
    // From the middle, the two sides are no row.
    assert_eq!(believed(1000, &[80, 80, 50, 100, 50, 100])[5], Some(80));
}

#[test]
fn change_in_short_ticks_must_last_as_long() {
    assert_eq!(believed(500, &[50, 50]), [Some(100); 2], "half a second");
    assert_eq!(believed(500, &[50, 50, 50]), [Some(100), Some(100), Some(50)], "a second");
}

#[test]
fn flapping_is_believed_only_where_a_state_lasts() {
    // So many ticks of 100 ms bad, then as many good, over and over.
    let changes = |ticks: usize| {
        let scores: Vec<u8> =
            (0..80).map(|at| if (at / ticks).is_multiple_of(2) { 50 } else { 100 }).collect();
        let seen = believed(100, &scores);
        seen.windows(2).filter(|pair| pair[0] != pair[1]).count()
    };
    assert_eq!(changes(5), 0, "half the duration");
    assert_eq!(changes(10), 0, "a tick less than the duration from the first to the last");
    assert_eq!(changes(11), 7, "just the duration");
    assert_eq!(changes(20), 4, "twice the duration");
}

#[test]
fn unknown_gives_way_to_the_first_judgement() {
    let mut health = TopicHealth::first(&CACHE, Judgement::unknown("no data").fold("cache"));
    assert_eq!(health.update(scored(100), Duration::ZERO, RULE), Some(Status::Unknown));
}

#[test]
fn a_finding_about_a_topic_without_instances_is_the_topics() {
    let nothing = Judgement::of_instances("no queue", [] as [(String, Judgement); 0]);
    let folded = nothing.with(Finding::critical("no_queue")).fold("queue");
    assert_eq!((folded.assessment.score, folded.components.len()), (Some(60), 0));
    assert_eq!(folded.assessment.findings[0].component, "queue");
}

#[test]
fn a_score_is_at_most_100_whatever_it_is_kept_at() {
    let fine = Judgement::healthy("").at_least(u8::MAX).assess();
    assert_eq!((fine.score, fine.status), (Some(100), Status::Healthy));
}

#[test]
fn the_worst_instance_leads_and_keeps_the_findings_of_all() {
    let slow = |name: &str, points| {
        let finding = Finding::warning("slow").penalty(points).advice("speed up");
        (name.to_owned(), Judgement::healthy("fine").with(finding))
    };
    let idle = ("idle".to_owned(), Judgement::unknown("idle"));
    let both = Judgement::of_instances("none", [slow("a", 20), slow("b", 50), idle]).assess();
    assert_eq!(both.score, Some(50));
    let components: Vec<_> = both.findings.iter().map(|finding| &*finding.component).collect();
    assert_eq!(components, ["b", "a"]);
    assert_eq!(both.recommendations(), ["speed up"], "the same advice is given once");
}

#[test]
fn an_instance_that_comes_while_a_change_is_pending_is_known_at_once() {
    let judge = |names: &[&str], points| {
        let instances = names.iter().map(|name| {
            let bad = (points > 0).then(|| Finding::warning("bad").penalty(points));
            (*name, Judgement::healthy("fine").with_all(bad))
        });
        Judgement::of_instances("none", instances).fold("cache")
    };
    let mut health = TopicHealth::first(&CACHE, judge(&["a"], 0));
    health.update(judge(&["a", "b"], 50), Duration::ZERO, RULE);
    assert_eq!(health.component("a").and_then(|a| a.score), Some(100), "not believed yet");
    assert_eq!(health.component("b").and_then(|b| b.score), Some(50), "nothing was known before");
}
