//! Queries on the pool itself, each on a connection of its own.

use ::sqlx::{Database, Describe, Either, Error, Execute, Executor, SqlStr};
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use sqlx_core::ext::async_stream::TryAsyncStream;

use super::MonitoredPool;

impl<'p, DB: Database> Executor<'p> for &'_ MonitoredPool<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<DB::QueryResult, DB::Row>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let acquire = self.acquire();
        // The stream owns the connection that its rows come from.
        Box::pin(TryAsyncStream::new(|rows| async move {
            let mut connection = acquire.await?;
            let mut found = connection.fetch_many(query);
            while let Some(row) = next(&mut found).await {
                rows.r#yield(row?).await;
            }
            Ok(())
        }))
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let acquire = self.acquire();
        Box::pin(async move { acquire.await?.fetch_optional(query).await })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'p: 'e,
    {
        let acquire = self.acquire();
        Box::pin(async move { acquire.await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'p: 'e,
    {
        let acquire = self.acquire();
        Box::pin(async move { acquire.await?.describe(sql).await })
    }
}

async fn next<T>(stream: &mut BoxStream<'_, T>) -> Option<T> {
    std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await
}
