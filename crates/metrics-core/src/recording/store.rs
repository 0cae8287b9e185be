//! The store of a registry's series, from which all handles are made.
//!
//! Handles by label values and passes use the store directly. Neither depends on the registry,
//! which is only a façade.

use crate::naming::desc::{Desc, Kind, OwnedDesc, check_labels};
use crate::naming::labels::Labels;
use crate::recording::context::Context;
use crate::recording::families::{Families, Registered};
use crate::recording::kinds::{AnyMetric, Cells};
use crate::recording::labelled::HandleKind;
use crate::recording::register_error::RegisterError;
use crate::sync::{self, Mutex, lock};

/// The series of one registry.
#[derive(Debug)]
pub struct Store {
    pub(crate) context: sync::Arc<Context>,
    pub(crate) families: Mutex<Families>,
}

impl Store {
    /// Returns the series of these values, and makes it if there is none.
    pub(crate) fn series(
        &self,
        desc: &Desc,
        kind: Kind,
        values: &[&str],
    ) -> Result<Registered<Cells>, RegisterError> {
        check_shape(desc, kind, values.len())?;
        let labels = Labels::with_keys(desc.label_keys(), values);
        lock(&self.families).get_or_insert(&desc.into(), labels, &self.context)
    }

    /// Returns a handle to a series whose description is known at run time only.
    pub(crate) fn metric(
        &self,
        desc: &OwnedDesc,
        labels: &[(&str, &str)],
    ) -> Result<AnyMetric, RegisterError> {
        // Before they are copied, since they may be of any size.
        check_labels(&desc.name, labels.iter().map(|(key, _)| *key))?;
        let labels = Labels::new(labels.iter().copied());
        Ok(lock(&self.families).get_or_insert(desc, labels, &self.context)?.handle.into())
    }

    /// Returns a handle to the series of these values.
    pub(crate) fn handle<H: HandleKind>(
        &self,
        desc: &Desc,
        values: &[&str],
    ) -> Result<H, RegisterError> {
        H::register(self, desc, H::KIND, values).map(|registered| registered.handle)
    }

    /// Returns the error that [`Self::series`] would return for any values.
    pub(crate) fn check(
        &self,
        desc: &Desc,
        kind: Kind,
        values: usize,
    ) -> Result<(), RegisterError> {
        check_shape(desc, kind, values)?;
        let labels = Labels::new(desc.label_keys().iter().map(|key| (*key, "")));
        lock(&self.families).check(&desc.into(), &labels)
    }
}

/// Refuses a description of another kind, or with another number of labels.
fn check_shape(desc: &Desc, wanted: Kind, values: usize) -> Result<(), RegisterError> {
    if desc.kind() != wanted {
        return Err(RegisterError::kind(desc, wanted));
    }
    let expected = desc.label_keys().len();
    if expected != values {
        return Err(RegisterError::LabelCount { name: desc.name().into(), expected, got: values });
    }
    Ok(())
}
