//! Rules about the places of panels: inside the grid, no overlap, below a row, unique.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{list, panels_of, text};

const COLUMNS: u64 = 24;

/// A rectangle of the grid.
#[derive(Clone, Copy)]
struct Place {
    x: u64,
    y: u64,
    width: u64,
    height: u64,
}

pub(super) fn findings(board: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let outer = list(&board["panels"]);
    if outer.first().is_none_or(|panel| panel["type"] != "row") {
        found.push("must begin with a row".to_owned());
    }
    let rows = outer.iter().filter(|panel| panel["type"] == "row");
    let mut last = None;
    for row in rows {
        let is_collapsed = row["collapsed"] == true;
        if is_collapsed == list(&row["panels"]).is_empty() {
            found.push(format!(
                "row `{}` must have its panels inside if it is collapsed, and only then",
                text(&row["title"])
            ));
        }
        let y = row["gridPos"]["y"].as_u64();
        if y <= last && last.is_some() {
            found.push(format!("row `{}` is above the row before", text(&row["title"])));
        }
        last = y;
        found.extend(overlaps(list(&row["panels"])));
    }
    found.extend(overlaps(outer));
    found.extend(repeated(board));
    found
}

/// Returns panels outside of the grid, and pairs of panels that overlap.
fn overlaps(panels: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let mut before: Vec<(&str, Place)> = Vec::new();
    for panel in panels {
        let title = text(&panel["title"]);
        let Some(place) = place(panel) else {
            found.push(format!("panel `{title}` needs a place with a width and a height"));
            continue;
        };
        if place.x + place.width > COLUMNS {
            found.push(format!("panel `{title}` reaches beyond column 24"));
        }
        for (other, _) in before.iter().filter(|(_, other)| other.overlaps(place)) {
            found.push(format!("panel `{title}` overlaps panel `{other}`"));
        }
        before.push((title, place));
    }
    found
}

fn repeated(board: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    let rows = list(&board["panels"]).iter().filter(|panel| panel["type"] == "row");
    for panel in rows.clone().chain(panels_of(board)) {
        let title = text(&panel["title"]);
        match panel["id"].as_u64() {
            Some(id) if id > 0 && ids.insert(id) => {}
            _ => found.push(format!("panel `{title}` needs an `id` of its own")),
        }
    }
    for panel in panels_of(board) {
        if !titles.insert(text(&panel["title"])) {
            found.push(format!("two panels have the title `{}`", text(&panel["title"])));
        }
    }
    found
}

fn place(panel: &Value) -> Option<Place> {
    let of = |key: &str| panel["gridPos"][key].as_u64();
    let place = Place { x: of("x")?, y: of("y")?, width: of("w")?, height: of("h")? };
    (place.width > 0 && place.height > 0).then_some(place)
}

impl Place {
    fn overlaps(self, other: Self) -> bool {
        self.x < other.x + other.width
            && other.x < self.x + self.width
            && self.y < other.y + other.height
            && other.y < self.y + self.height
    }
}
