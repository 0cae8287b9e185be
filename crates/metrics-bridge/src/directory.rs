//! The directory: maps the facade's keys to series of the registry.
//!
//! In the facade a key is any name with any labels. In the registry a name is a
//! family with one kind and one set of label keys. Each key is mapped to a series
//! once. A key that cannot be mapped is counted with the reason and gets a handle
//! that does nothing, since the facade cannot return errors.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics::{Key, KeyName, Unit};
use node0_metrics_core::{Counter, Labelled, OTHER, RegisterError, Registry, SERIES_FOLDED};

use crate::descs::REFUSED;
use crate::meaning::{Description, Meaning};
use crate::name::label_key;
use crate::recorder::Settings;
use crate::series::{Form, Series};
use crate::thread;

/// Everything that a recorder and its clones share.
#[derive(Debug)]
pub(crate) struct Directory {
    registry: Registry,
    settings: Settings,
    refused: Labelled<Counter, 2>,
    known: Mutex<Known>,
}

/// The result of looking for a key.
pub(crate) struct Found {
    /// The series; `None` if the key was refused.
    pub(crate) series: Option<Series>,
    /// `true` if threads may keep the handle; the number of such keys is bounded.
    pub(crate) is_remembered: bool,
}

/// The reason why a key or a description was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    /// The name is registered with another kind.
    Kind,
    /// The name does not have this label key, or no character of the key is allowed.
    Labels,
    /// No character of the name is allowed.
    Name,
    /// Another metric has the converted name already.
    NameTaken,
    /// The registry has its maximum of metric names.
    RegistryFull,
    /// The description is a second one, or comes after the first series and would change its unit.
    Description,
}

impl Refusal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Labels => "labels",
            Self::Name => "name",
            Self::NameTaken => "name_taken",
            Self::RegistryFull => "registry_full",
            Self::Description => "description",
        }
    }
}

impl From<RegisterError> for Refusal {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::TooManyFamilies { .. } => Self::RegistryFull,
            RegisterError::Desc(_) => Self::Name,
            _ => Self::NameTaken,
        }
    }
}

impl Directory {
    pub(crate) fn new(registry: &Registry, settings: Settings) -> Result<Self, RegisterError> {
        Ok(Self {
            registry: registry.clone(),
            settings,
            refused: registry.counters(&REFUSED)?,
            known: Mutex::default(),
        })
    }

    /// Returns the series of a key; creates it if there is none.
    pub(crate) fn find(&self, form: Form, key: &Key) -> Found {
        let mut known = self.known();
        let refusal = match known.series(self, form, key) {
            Ok(found) => return found,
            Err(refusal) => refusal,
        };
        let is_known = known.refused.contains(&(form, key.clone()));
        let is_remembered = is_known || known.refused.len() < self.settings.max_series;
        if !is_known {
            if is_remembered {
                known.refused.insert((form, key.to_retained()));
            }
            self.refused.inc([key.name(), refusal.as_str()]);
        }
        Found { series: None, is_remembered }
    }

    /// Applies a description; returns `true` if the same description need not be passed again.
    pub(crate) fn describe(&self, name: &KeyName, unit: Option<Unit>, text: &str) -> bool {
        let mut known = self.known();
        let description = || Description { unit, text: text.into() };
        if let Some(family) = known.families.get_mut(name.as_str()) {
            let description = description();
            if family.description.as_ref() == Some(&description)
                || self.describe_late(family, name, &description)
            {
                return true;
            }
            if !mem::replace(&mut family.has_other_description, true) {
                self.refused.inc([name.as_str(), Refusal::Description.as_str()]);
            }
            return true;
        }
        let has_room = known.described.len() < self.settings.max_series;
        if has_room && !known.described.contains_key(name.as_str()) {
            known.described.insert(name.to_retained(), description());
        }
        has_room
    }

    /// Applies the first description of a registered metric, if it changes only the help text.
    fn describe_late(
        &self,
        family: &mut Family,
        name: &KeyName,
        description: &Description,
    ) -> bool {
        let bounds = self.settings.bounds.get(name.as_str()).map(|bounds| &**bounds);
        let Some(meaning) = Meaning::new(name.as_str(), family.form, Some(description), bounds)
        else {
            return false;
        };
        let has_settled = family.description.is_some() || !meaning.records_as(&family.meaning);
        if has_settled || !self.registry.describe(&meaning.desc.name, &meaning.desc.help) {
            return false;
        }
        (family.meaning, family.description) = (meaning, Some(description.clone()));
        true
    }

    /// Returns `true` if this directory has created the family.
    pub(crate) fn has_made(&self, family: &str) -> bool {
        self.known().pages.contains_key(family)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // The maps are consistent at each step, so poisoning can be ignored.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        thread::note_end();
    }
}

#[derive(Debug, Default)]
struct Known {
    families: HashMap<KeyName, Family>,
    /// The names in the facade, by the names of their families in the registry.
    pages: HashMap<String, KeyName>,
    /// The descriptions of metrics that are not registered yet.
    described: HashMap<KeyName, Description>,
    refused: HashSet<(Form, Key)>,
    /// The number of keys that all families remember.
    keys: usize,
}

#[derive(Debug)]
struct Family {
    form: Form,
    meaning: Meaning,
    description: Option<Description>,
    /// `true` if a second, different description was refused.
    has_other_description: bool,
    /// The label keys as on the page, sorted.
    label_keys: Vec<String>,
    series: HashMap<Key, Series>,
    other: Option<Other>,
}

/// The series into which keys beyond the cap are folded.
#[derive(Debug)]
struct Other {
    series: Series,
    folded: Counter,
}

impl Known {
    fn series(&mut self, directory: &Directory, form: Form, key: &Key) -> Result<Found, Refusal> {
        let Directory { registry, settings, .. } = directory;
        let Some(family) = self.families.get_mut(key.name()) else {
            return self.add_family(directory, form, key);
        };
        if family.form != form {
            return Err(Refusal::Kind);
        }
        if let Some(series) = family.series.get(key) {
            return Ok(Found { series: Some(series.clone()), is_remembered: true });
        }
        if family.series.len() >= settings.max_series_per_name || self.keys >= settings.max_series {
            return family.fold(registry, key);
        }
        let found = family.add(registry, key)?;
        self.keys += 1;
        Ok(found)
    }

    /// Creates a family with its first series.
    ///
    /// It does not check the caps on series: the registry limits the number of families.
    fn add_family(
        &mut self,
        directory: &Directory,
        form: Form,
        key: &Key,
    ) -> Result<Found, Refusal> {
        let Directory { registry, settings, .. } = directory;
        let description = self.described.get(key.name());
        let bounds = settings.bounds.get(key.name()).map(|bounds| &**bounds);
        let meaning = Meaning::new(key.name(), form, description, bounds).ok_or(Refusal::Name)?;
        let page = meaning.desc.name.to_string();
        if self.pages.contains_key(&page) {
            return Err(Refusal::NameTaken);
        }
        let declared = settings.labels.get(key.name()).into_iter().flatten();
        let own = key.labels().map(|label| label_key(label.key()).ok_or(Refusal::Labels));
        let mut label_keys = declared.cloned().map(Ok).chain(own).collect::<Result<Vec<_>, _>>()?;
        label_keys.sort();
        label_keys.dedup();
        let mut family = Family {
            form,
            meaning,
            description: description.cloned(),
            has_other_description: false,
            label_keys,
            series: HashMap::new(),
            other: None,
        };
        let found = family.add(registry, key)?;
        let name = key.name_shared().to_retained();
        self.described.remove(key.name());
        self.pages.insert(page, name.clone());
        self.families.insert(name, family);
        self.keys += 1;
        Ok(found)
    }
}

impl Family {
    /// Returns the key's values for all label keys of the family.
    ///
    /// A label that the key lacks gets an empty value, which Prometheus treats as absent.
    fn values(&self, key: &Key) -> Result<Vec<String>, Refusal> {
        let mut values = vec![String::new(); self.label_keys.len()];
        for label in key.labels() {
            let wanted = label_key(label.key()).ok_or(Refusal::Labels)?;
            let at = self.label_keys.binary_search(&wanted).map_err(|_| Refusal::Labels)?;
            values[at] = label.value().to_owned();
        }
        Ok(values)
    }

    /// Adds a key; refuses it if it has a label key that the family does not have.
    fn add(&mut self, registry: &Registry, key: &Key) -> Result<Found, Refusal> {
        let values = self.values(key)?;
        let series = self.registered(registry, values.iter().map(|value| &**value))?;
        self.series.insert(key.to_retained(), series.clone());
        Ok(Found { series: Some(series), is_remembered: true })
    }

    /// Returns the series `_other` for keys beyond the caps.
    fn fold(&mut self, registry: &Registry, key: &Key) -> Result<Found, Refusal> {
        self.values(key)?;
        if self.other.is_none() {
            let series = self.registered(registry, self.label_keys.iter().map(|_| OTHER))?;
            let folded = registry.counter(&SERIES_FOLDED, &[&self.meaning.desc.name])?;
            self.other = Some(Other { series, folded });
        }
        let series = self.other.as_ref().map(|other| {
            other.folded.inc();
            other.series.clone()
        });
        Ok(Found { series, is_remembered: false })
    }

    fn registered<'a>(
        &'a self,
        registry: &Registry,
        values: impl Iterator<Item = &'a str>,
    ) -> Result<Series, Refusal> {
        let labels: Vec<_> = self.label_keys.iter().map(|key| &**key).zip(values).collect();
        let metric = registry.metric(&self.meaning.desc, &labels)?;
        Ok(Series::new(metric, self.meaning.scale))
    }
}
