//! `GET /metrics/history`: the past of a metric.

use std::str::FromStr;

use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use node0_history::{History, Matchers, QueryError, When, duration};

use super::endpoint::{Endpoint, EndpointDesc};
use super::error::ApiError;
use super::parameter::Parameter;
use super::query::Query;
use super::render_slots::RenderSlots;
use super::reply;
use super::routes::Routes;
use super::surface::{Mount, Surface};

const METRIC: Parameter = Parameter::text("metric", "The name of the metric.").required();
const MATCH: Parameter = Parameter::text(
    "match",
    "Returns only series with these labels, such as `{pool=\"main\",state!=\"idle\"}`.",
)
.of_bytes(4096);
const FROM: Parameter = Parameter::text(
    "from",
    "The beginning: milliseconds since 1970, or `-15m`, which is the default.",
)
.of_form(MOMENT);
const TO: Parameter =
    Parameter::text("to", "The end: milliseconds since 1970, or `-1m`; now by default.")
        .of_form(MOMENT);
const STEP: Parameter = Parameter::text(
    "step",
    "The distance of the points, such as `10s`; without it, one that makes at most 720 points.",
)
.of_form("^[0-9]{1,9}(ms|s|m|h|d)?$");
const QUANTILE: Parameter = Parameter::text(
    "quantile",
    "The quantile of a latency or distribution, such as `0.95`; without it, the mean.",
)
.of_form("^(0(\\.[0-9]{1,9})?|1(\\.0)?)$");

const STATISTIC: Parameter = Parameter::words(
    "statistic",
    "Of a latency or distribution: its values per second, or how many are in each bucket.",
    &["rate", "buckets"],
);

/// The form of a moment.
const MOMENT: &str = "^([0-9]{1,15}|-[0-9]{1,9}(ms|s|m|h|d)?)$";

/// The endpoint of a history.
struct Past {
    history: History,
}

impl Routes {
    /// Adds `/metrics/history`, which answers from this history; needs the feature `history`.
    ///
    /// ```
    /// use axum::Router;
    /// use node0_exporter::Exporter;
    /// use node0_history::History;
    /// use node0_http_glue::{Readiness, Routes};
    /// use node0_metrics_core::Registry;
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let registry = Registry::new();
    /// let history = History::register(&registry)?;
    /// let readiness = Readiness::builder(&registry).start();
    /// let routes = Routes::new(&registry, Exporter::new(), &readiness).history(&history);
    /// let app: Router = routes.router()?; // answers /metrics/history?metric=node0_health_score
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn history(self, history: &History) -> Self {
        self.surface(Past { history: history.clone() })
    }
}

impl Surface for Past {
    fn name(&self) -> &'static str {
        "history"
    }

    fn endpoints(&self, mount: &Mount) -> Vec<Endpoint> {
        let slots = mount.slots();
        let past = EndpointDesc::get("/metrics/history", "The past of a metric.")
            .parameter(METRIC)
            .parameter(MATCH)
            .parameter(FROM)
            .parameter(TO)
            .parameter(STEP)
            .parameter(QUANTILE)
            .parameter(STATISTIC)
            .returns(reply::JSON, "A column of values for each series, in the metric's base unit.")
            .error(StatusCode::NOT_FOUND, "unknown_metric", "The history has no such metric.")
            .rendered(slots)
            .handler(answer, (self.history.clone(), slots.clone()));
        vec![past]
    }
}

/// `GET /metrics/history`
async fn answer(
    State((history, slots)): State<(History, RenderSlots)>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let query = query(Query::of(&uri))?;
    let work = move || reply::to_json(&history.query(&query).map_err(refused)?);
    Ok(reply::raw_json(StatusCode::OK, slots.run("history", work).await??))
}

/// Reads the parameters.
fn query(parameters: Query<'_>) -> Result<node0_history::Query, ApiError> {
    let mut query = node0_history::Query::new(parameters.text(&METRIC)?.unwrap_or_default());
    if let Some(matchers) = parsed(parameters, &MATCH, Matchers::from_str)? {
        query = query.matching(matchers);
    }
    if let Some(from) = parsed(parameters, &FROM, When::from_str)? {
        query = query.from(from);
    }
    if let Some(to) = parsed(parameters, &TO, When::from_str)? {
        query = query.to(to);
    }
    if let Some(step) = parsed(parameters, &STEP, duration)? {
        query = query.step(step);
    }
    let number = |text: &str| text.parse::<f64>().map_err(|_| QueryError::Quantile);
    if let Some(quantile) = parsed(parameters, &QUANTILE, number)? {
        query = query.quantile(quantile);
    }
    match parameters.text(&STATISTIC)?.as_deref() {
        Some("rate") => query = query.rate(),
        Some(_) => query = query.buckets(),
        None => {}
    }
    Ok(query)
}

/// Reads a parameter, whose errors continue the words "parameter `name`".
fn parsed<T, E: std::error::Error>(
    parameters: Query<'_>,
    parameter: &Parameter,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, ApiError> {
    let Some(text) = parameters.text(parameter)? else { return Ok(None) };
    let refuse = |error: E| ApiError::invalid_parameter(parameter.name(), &error.to_string(), &[]);
    parse(&text).map(Some).map_err(refuse)
}

/// The error of a query, with the parameter that is to blame.
fn refused(error: QueryError) -> ApiError {
    let parameter = match error {
        QueryError::UnknownMetric { metric, known } => {
            return ApiError::unknown("metric", &metric, known).parameter(METRIC.name());
        }
        QueryError::EmptyRange => FROM,
        QueryError::ZeroStep | QueryError::TooManyPoints { .. } => STEP,
        QueryError::TooManyValues { .. } => MATCH,
        QueryError::Quantile | QueryError::NoQuantiles { .. } => QUANTILE,
        QueryError::NoStatistic { .. } => STATISTIC,
        _ => METRIC,
    };
    ApiError::invalid_parameter(parameter.name(), &error.to_string(), &[])
}
