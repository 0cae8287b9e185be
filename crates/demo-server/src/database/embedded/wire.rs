//! Answers the messages of the Postgres protocol from a session.
//!
//! `pgwire` reads and writes the messages, keeps prepared statements, and calls the
//! handlers of this module. In a failed transaction they refuse every statement but its
//! end, because SQLite itself would run it as if there had been no error.

use std::sync::Arc;

use async_trait::async_trait;
use pgwire::api::auth::StartupHandler;
use pgwire::api::auth::noop::NoopStartupHandler;
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::results::{FieldInfo, Response};
use pgwire::api::stmt::QueryParser;
use pgwire::api::{ClientInfo, PgWireServerHandlers, Type};
use pgwire::error::PgWireResult;
use pgwire::messages::response::TransactionStatus;

use super::failure::refusal;
use super::prepared::{Prepared, fields};
use super::session::Session;
use super::sql::{Action, Statement, statements};
use super::types::parameter;

/// The handlers of one client.
#[derive(Debug)]
pub(super) struct Wire {
    handler: Arc<Handler>,
}

impl Wire {
    pub(super) fn new(session: Session) -> Wire {
        Wire { handler: Arc::new(Handler { session }) }
    }
}

impl PgWireServerHandlers for Wire {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        Arc::clone(&self.handler)
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        Arc::clone(&self.handler)
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        Arc::clone(&self.handler)
    }
}

#[derive(Debug)]
struct Handler {
    session: Session,
}

/// Accepts every client without a password, because only the owner of the socket's folder gets to it.
impl NoopStartupHandler for Handler {}

#[async_trait]
impl SimpleQueryHandler for Handler {
    async fn do_query<C>(&self, client: &mut C, query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let mut status = client.transaction_status();
        let mut responses = Vec::new();
        for statement in statements(query)? {
            match self.simple(statement, status).await {
                Ok(response) => {
                    status = status_after(&response, status);
                    responses.push(response);
                }
                // The client gets the answers to the statements before the failed one.
                Err(error) => {
                    responses.push(Response::Error(Box::new(error.into())));
                    break;
                }
            }
        }
        if responses.is_empty() {
            responses.push(Response::EmptyQuery);
        }
        Ok(responses)
    }
}

impl Handler {
    async fn simple(
        &self,
        statement: Statement,
        status: TransactionStatus,
    ) -> PgWireResult<Response> {
        admit(statement.action, status)?;
        let prepared = Arc::new(self.session.prepare(statement).await?);
        self.session.run(in_effect(&prepared, status), Vec::new(), &Format::UnifiedText).await
    }
}

#[async_trait]
impl ExtendedQueryHandler for Handler {
    type Statement = Arc<Prepared>;
    type QueryParser = Session;

    fn query_parser(&self) -> Arc<Session> {
        Arc::new(self.session.clone())
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Arc<Prepared>>,
        _max_rows: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let prepared = &portal.statement.statement;
        let status = client.transaction_status();
        admit(prepared.statement.action, status)?;
        let types = &prepared.statement.parameters;
        if portal.parameter_len() != types.len() {
            let message =
                format!("{} parameters given, {} needed", portal.parameter_len(), types.len());
            return Err(refusal("08P01", message));
        }
        let announced = &portal.statement.parameter_types;
        let parameters = types.iter().enumerate().map(|(index, kind)| {
            let kind = announced.get(index).and_then(Option::as_ref).unwrap_or(kind);
            parameter(portal, index, kind)
        });
        let parameters = parameters.collect::<PgWireResult<Vec<_>>>()?;
        let prepared = in_effect(prepared, status);
        self.session.run(prepared, parameters, &portal.result_column_format).await
    }
}

#[async_trait]
impl QueryParser for Session {
    type Statement = Arc<Prepared>;

    async fn parse_sql<C>(
        &self,
        client: &C,
        sql: &str,
        _types: &[Option<Type>],
    ) -> PgWireResult<Option<Arc<Prepared>>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        let mut found = statements(sql)?.into_iter();
        let Some(statement) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(refusal("42601", message));
        }
        admit(statement.action, client.transaction_status())?;
        Ok(Some(Arc::new(self.prepare(statement).await?)))
    }

    fn get_parameter_types(&self, prepared: &Arc<Prepared>) -> PgWireResult<Vec<Type>> {
        Ok(prepared.statement.parameters.clone())
    }

    fn get_result_schema(
        &self,
        prepared: &Arc<Prepared>,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        Ok(fields(&prepared.columns, format.unwrap_or(&Format::UnifiedText)))
    }
}

/// Refuses a statement in a failed transaction unless it ends the transaction.
fn admit(action: Action, status: TransactionStatus) -> PgWireResult<()> {
    let is_end = matches!(action, Action::Commit | Action::Rollback);
    if is_end || status != TransactionStatus::Error {
        return Ok(());
    }
    let message = "current transaction is aborted, commands ignored until end of transaction block";
    Err(refusal("25P02", message))
}

/// Returns the statement to run: `ROLLBACK` in place of `COMMIT` in a failed transaction.
fn in_effect(prepared: &Arc<Prepared>, status: TransactionStatus) -> Arc<Prepared> {
    match (prepared.statement.action, status) {
        (Action::Commit, TransactionStatus::Error) => Arc::new(Prepared::rollback()),
        _ => Arc::clone(prepared),
    }
}

fn status_after(response: &Response, status: TransactionStatus) -> TransactionStatus {
    match response {
        Response::TransactionStart(_) => status.to_in_transaction_state(),
        Response::TransactionEnd(_) => status.to_idle_state(),
        _ => status,
    }
}
