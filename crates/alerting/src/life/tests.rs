//! The table of states as data, and random lives that never leave it.

use std::time::Duration;

use proptest::prelude::*;

use super::{Life, Phase, Seen, Times};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The state of an alert, inactive included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Inactive,
    Pending,
    Firing,
    Resolved,
}

fn state(life: Option<Life>) -> State {
    match life.map(|life| life.phase) {
        None => State::Inactive,
        Some(Phase::Pending) => State::Pending,
        Some(Phase::Firing) => State::Firing,
        Some(Phase::Resolved) => State::Resolved,
    }
}

/// One row of the table.
struct Row {
    from: State,
    seen: Seen,
    /// When the row applies, by the times of the rule and what happened before.
    when: fn(&Times, &Past) -> bool,
    to: State,
}

/// How long each fact has lasted at an evaluation, it included.
#[derive(Clone, Copy, Debug)]
struct Past {
    /// Since the condition began to hold in this life.
    active: Duration,
    /// Since it was first seen not to hold, after it last held.
    clear: Duration,
    /// Since the data were first missing, after there last were some.
    missing: Duration,
    /// `true` if it was seen not to hold since it last held.
    was_clear: bool,
}

const ALWAYS: fn(&Times, &Past) -> bool = |_, _| true;
const AT_ONCE: fn(&Times, &Past) -> bool = |times, _| times.lasting.is_zero();
const LATER: fn(&Times, &Past) -> bool = |times, _| !times.lasting.is_zero();
const LASTED: fn(&Times, &Past) -> bool = |times, past| past.active >= times.lasting;
const YOUNG: fn(&Times, &Past) -> bool = |times, past| past.active < times.lasting;
const HELD: fn(&Times, &Past) -> bool = |times, past| past.clear < times.hold;
const LET_GO: fn(&Times, &Past) -> bool = |times, past| past.clear >= times.hold;
const STALE: fn(&Times, &Past) -> bool = |times, past| past.missing >= times.stale;
const FRESH: fn(&Times, &Past) -> bool = |times, past| past.missing < times.stale;

/// The whole table: the specification's states and conditions, and our column for missing data.
const TABLE: &[Row] = {
    use Seen::{Clear, Holds, Missing};
    use State::{Firing, Inactive, Pending, Resolved};
    &[
        Row { from: Inactive, seen: Holds, when: AT_ONCE, to: Firing },
        Row { from: Inactive, seen: Holds, when: LATER, to: Pending },
        Row { from: Inactive, seen: Clear, when: ALWAYS, to: Inactive },
        Row { from: Inactive, seen: Missing, when: ALWAYS, to: Inactive },
        Row { from: Pending, seen: Holds, when: YOUNG, to: Pending },
        Row { from: Pending, seen: Holds, when: LASTED, to: Firing },
        Row { from: Pending, seen: Clear, when: ALWAYS, to: Inactive },
        Row { from: Pending, seen: Missing, when: FRESH, to: Pending },
        Row { from: Pending, seen: Missing, when: STALE, to: Inactive },
        Row { from: Firing, seen: Holds, when: ALWAYS, to: Firing },
        Row { from: Firing, seen: Clear, when: HELD, to: Firing },
        Row { from: Firing, seen: Clear, when: LET_GO, to: Resolved },
        Row { from: Firing, seen: Missing, when: |t, p| !p.was_clear && FRESH(t, p), to: Firing },
        Row { from: Firing, seen: Missing, when: |t, p| !p.was_clear && STALE(t, p), to: Resolved },
        Row { from: Firing, seen: Missing, when: |t, p| p.was_clear && HELD(t, p), to: Firing },
        Row { from: Firing, seen: Missing, when: |t, p| p.was_clear && LET_GO(t, p), to: Resolved },
        Row { from: Resolved, seen: Holds, when: AT_ONCE, to: Firing },
        Row { from: Resolved, seen: Holds, when: LATER, to: Pending },
        Row { from: Resolved, seen: Clear, when: ALWAYS, to: Resolved },
        Row { from: Resolved, seen: Missing, when: ALWAYS, to: Resolved },
    ]
};

/// Keeps the past of an alert by its own means, as an oracle for the life under test.
#[derive(Debug, Default)]
struct Oracle {
    active_since: Option<Duration>,
    clear_since: Option<Duration>,
    missing_since: Option<Duration>,
}

impl Oracle {
    /// Returns the past at an evaluation that saw this.
    fn see(&mut self, from: State, seen: Seen, now: Duration) -> Past {
        if matches!(from, State::Inactive | State::Resolved) {
            *self = Self::default();
        }
        match seen {
            Seen::Holds => {
                self.active_since.get_or_insert(now);
                (self.clear_since, self.missing_since) = (None, None);
            }
            Seen::Clear => {
                self.clear_since.get_or_insert(now);
                self.missing_since = None;
            }
            Seen::Missing => {
                self.missing_since.get_or_insert(now);
            }
        }
        let since = |then: Option<Duration>| now - then.unwrap_or(now);
        Past {
            active: since(self.active_since),
            clear: since(self.clear_since),
            missing: since(self.missing_since),
            was_clear: self.clear_since.is_some(),
        }
    }
}

/// Lives through evaluations of a second each, and checks each step against the table; returns
/// the states.
fn live(times: Times, evaluations: &[Seen]) -> Vec<State> {
    let (mut life, mut oracle) = (None, Oracle::default());
    let each = evaluations.iter().zip(1..).map(|(seen, second)| {
        let now = seconds(second);
        let from = state(life);
        let past = oracle.see(from, *seen, now);
        let fits = |row: &&Row| row.from == from && row.seen == *seen && (row.when)(&times, &past);
        let rows: Vec<_> = TABLE.iter().filter(fits).collect();
        assert_eq!(rows.len(), 1, "one row applies to {from:?}, {seen:?}, {past:?}");
        life = Life::next(life, *seen, now, times);
        assert_eq!(
            state(life),
            rows[0].to,
            "from {from:?} by {seen:?} with {past:?} and {times:?}"
        );
        state(life)
    });
    each.collect()
}

fn times() -> impl Strategy<Value = Times> {
    (0..5_u64, 0..5_u64, 1..6_u64).prop_map(|(lasting, hold, stale)| Times {
        lasting: seconds(lasting),
        hold: seconds(hold),
        stale: seconds(stale),
    })
}

fn seen() -> impl Strategy<Value = Seen> {
    // What follows each other is mostly the same, so that times can pass.
    prop_oneof![3 => Just(Seen::Holds), 2 => Just(Seen::Clear), 2 => Just(Seen::Missing)]
}

proptest! {
    #[test]
    fn no_life_leaves_the_table(
        times in times(),
        runs in proptest::collection::vec((seen(), 1..7_usize), 1..40),
    ) {
        let evaluations: Vec<_> =
            runs.into_iter().flat_map(|(seen, length)| vec![seen; length]).collect();
        let states = live(times, &evaluations);
        // An alert fires only where the condition was seen to hold.
        for (at, state) in states.iter().enumerate() {
            let has_fired = *state == State::Firing && (at == 0 || states[at - 1] != State::Firing);
            prop_assert!(!has_fired || evaluations[at] == Seen::Holds);
        }
    }
}

#[test]
fn each_row_of_the_table_is_reached() {
    use Seen::{Clear, Holds, Missing};
    let check = |times: (u64, u64, u64), evaluations: &[Seen], last: State| {
        let (lasting, hold, stale) = times;
        let times = Times { lasting: seconds(lasting), hold: seconds(hold), stale: seconds(stale) };
        assert_eq!(live(times, evaluations).last(), Some(&last), "{evaluations:?}");
    };
    check((0, 0, 9), &[Holds], State::Firing);
    check((2, 0, 9), &[Holds], State::Pending);
    check((2, 0, 9), &[Clear, Missing], State::Inactive);
    check((2, 0, 9), &[Holds, Holds], State::Pending);
    check((2, 0, 9), &[Holds, Holds, Holds], State::Firing);
    check((2, 0, 9), &[Holds, Clear], State::Inactive);
    check((2, 0, 9), &[Holds, Missing], State::Pending);
    check((2, 0, 1), &[Holds, Missing, Missing], State::Inactive);
    check((0, 2, 9), &[Holds, Clear, Clear], State::Firing);
    check((0, 2, 9), &[Holds, Clear, Clear, Clear], State::Resolved);
    check((0, 0, 9), &[Holds, Missing], State::Firing);
    check((0, 0, 1), &[Holds, Missing, Missing], State::Resolved);
    check((0, 2, 9), &[Holds, Clear, Missing], State::Firing);
    check((0, 2, 9), &[Holds, Clear, Missing, Missing], State::Resolved);
    check((0, 0, 9), &[Holds, Clear, Missing, Clear], State::Resolved);
    check((0, 0, 9), &[Holds, Clear, Holds], State::Firing);
    check((1, 0, 9), &[Holds, Holds, Clear, Holds], State::Pending);
}
