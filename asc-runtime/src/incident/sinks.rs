//! Where incidents go: standard error, a file, a callback, `tracing`.

use core::fmt;
use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use super::Incident;
use crate::text::Line;

/// What a program has called for each incident.
pub(crate) type Callback = Box<dyn Fn(&Incident) + Send + Sync>;

/// The sinks that the program chose.
pub(crate) struct Sinks {
    pub(crate) stderr: bool,
    pub(crate) file: Option<File>,
    pub(crate) callback: Option<Callback>,
}

impl fmt::Debug for Sinks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sinks")
            .field("stderr", &self.stderr)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

static SINKS: OnceLock<Sinks> = OnceLock::new();

/// Sets the sinks, once; gives them back if there are some already.
pub(crate) fn install(sinks: Sinks) -> Result<(), Sinks> {
    SINKS.set(sinks)
}

/// Whether the sinks are set.
pub(crate) fn are_installed() -> bool {
    SINKS.get().is_some()
}

/// Writes a line to standard error and to the file, without the heap.
pub(crate) fn write(line: &Line) {
    let sinks = SINKS.get();
    if sinks.is_none_or(|sinks| sinks.stderr) {
        line.write_line(libc::STDERR_FILENO);
    }
    if let Some(file) = sinks.and_then(|sinks| sinks.file.as_ref()) {
        line.write_line(file.as_raw_fd());
    }
}

/// Hands the incident to `tracing` and to the program. Its panics are its own affair: the incident
/// goes its way all the same.
pub(crate) fn call(incident: &Incident) {
    let _ = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "tracing")]
        trace(incident);
        if let Some(callback) = SINKS.get().and_then(|sinks| sinks.callback.as_ref()) {
            callback(incident);
        }
    }));
}

#[cfg(feature = "tracing")]
fn trace(incident: &Incident) {
    tracing::error!(
        target: "asc",
        handler = incident.handler,
        stage = incident.fault.stage.name(),
        reason = incident.fault.reason,
        symbol = incident.symbol(),
        flipped_bits = incident.flipped_bits(),
        core = incident.core(),
        classification = incident.classification.name(),
        action = incident.action.name(),
        incident = %incident,
        "a fault was detected",
    );
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::*;
    use crate::fault::{Fault, Stage};
    use std::sync::Mutex;
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    /// Keeps the fields of the last event.
    #[derive(Default)]
    struct Listener(Mutex<Vec<(String, String)>>);

    impl Subscriber for &'static Listener {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == "asc"
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut fields = self.0.lock().expect("nobody panics with it");
            event.record(&mut Fields(&mut fields));
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    struct Fields<'a>(&'a mut Vec<(String, String)>);

    impl Visit for Fields<'_> {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.0.push((field.name().to_owned(), format!("{value:?}")));
        }
    }

    #[test]
    fn an_incident_is_an_event() {
        let listener: &'static Listener = Box::leak(Box::default());
        let fault = Fault::new(Stage::Output, "the runs write different bytes").values(1, 3);
        let incident = Incident::new(None, 2, &fault);
        tracing::subscriber::with_default(listener, || call(&incident));
        let fields = listener.0.lock().expect("nobody panics with it");
        let value = |name| {
            let found = fields.iter().find(|(found, _)| found == name);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("stage"), Some("\"output\""));
        assert_eq!(value("flipped_bits"), Some("1"));
        assert_eq!(value("action"), Some("\"stop\""));
        assert_eq!(value("incident"), Some(&*incident.to_string()));
    }
}
