//! The readiness check: on a connection of its own, one at a time, whatever the server does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use deadpool_postgres::tokio_postgres::{Config, NoTls};
use node0_db_pool_monitor::postgres::PostgresCheck;
use node0_metrics_core::{NotReady, ReadinessCheck};
use testbed::tools;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;

use super::postgres_server::{Watch, config, observer, pool_of, run, start, until_sessions};

const CHECK: Duration = Duration::from_millis(100);

#[test]
fn check_keeps_one_session_and_takes_no_pooled_connection() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let watch = Watch::new();
        let pool = pool_of(1, config(&server, "pool"));
        let pool = watch.monitor.build("main", pool).unwrap();
        let plain: Config = server.url().parse().unwrap();
        watch.monitor.require(PostgresCheck::new("database", plain, NoTls));
        let checks = watch.registry.readiness_checks();
        assert_eq!(checks[0].name(), "database");

        let _exhausted = pool.get().await.unwrap();
        for _ in 0..20 {
            checks[0].check().await.unwrap();
        }
        let together = [checks[0].check(), checks[0].check(), checks[0].check()];
        for check in together {
            check.await.unwrap();
        }
        let observer = observer(&server).await;
        until_sessions(&observer, "node0-readiness", (1, 0)).await;
        until_sessions(&observer, "pool", (1, 0)).await;
    });
}

#[test]
fn check_follows_the_server_down_and_up_at_once() {
    let mut server = start(&testbed::require!(tools::postgres()));
    run(async {
        let check = PostgresCheck::new("database", config(&server, "check"), NoTls);
        check.check().await.unwrap();
        tokio::task::block_in_place(|| server.kill());
        assert_eq!(
            until_not_ready(&check).await,
            NotReady::new("no connection: connection refused")
        );
        tokio::task::block_in_place(|| server.restart()).unwrap();
        check.check().await.unwrap();
        // A session that a restart broke in between is replaced within the same check.
        tokio::task::block_in_place(|| server.restart()).unwrap();
        check.check().await.unwrap();
    });
}

/// Asks until the check fails: a backend answers for a moment after its server was killed.
async fn until_not_ready(check: &PostgresCheck) -> NotReady {
    let failing = async {
        loop {
            if let Err(reason) = check.check().await {
                return reason;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), failing).await.unwrap()
}

#[test]
fn reason_tells_a_stranger_no_names() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let mut wrong = config(&server, "check");
        wrong.dbname("no_such_database");
        let check = PostgresCheck::new("database", wrong, NoTls);
        let reason = check.check().await.unwrap_err();
        assert_eq!(reason, NotReady::new("no connection: SQLSTATE 3D000"));
    });
}

#[test]
fn a_host_without_an_address_is_told_as_such() {
    run(async {
        let config = "postgres://postgres@nowhere.invalid/postgres".parse().unwrap();
        let reason = PostgresCheck::new("database", config, NoTls).check().await.unwrap_err();
        assert_eq!(reason, NotReady::new("no connection: the name of its host has no address"));
    });
}

#[test]
fn checks_that_are_dropped_close_what_they_opened() {
    run(async {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = silent.local_addr().unwrap().port();
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let check = PostgresCheck::new("database", url.parse().unwrap(), NoTls);
        for _ in 0..10 {
            assert!(timeout(CHECK, check.check()).await.is_err());
            let (mut accepted, _) = silent.accept().await.unwrap();
            let mut said = Vec::new();
            // Ends only once the other side closed.
            accepted.read_to_end(&mut said).await.unwrap();
        }
    });
}

#[test]
fn server_that_falls_silent_in_a_session_is_asked_on_a_new_one() {
    let server = start(&testbed::require!(tools::postgres()));
    run(async {
        let proxy = Proxy::before(server.socket()).await;
        let url = format!("postgres://node0@127.0.0.1:{}/postgres", proxy.port);
        let check = PostgresCheck::new("database", url.parse().unwrap(), NoTls);
        check.check().await.unwrap();
        proxy.state.is_silent.store(true, Ordering::SeqCst);
        for _ in 0..10 {
            assert!(timeout(CHECK, check.check()).await.is_err());
        }
        proxy.state.is_silent.store(false, Ordering::SeqCst);
        check.check().await.unwrap();
        let observer = observer(&server).await;
        until_sessions(&observer, "node0-readiness", (1, 0)).await;
        assert_eq!(proxy.state.open.load(Ordering::SeqCst), 1);
    });
}

/// A proxy that swallows what the server says while it is told to be silent.
struct Proxy {
    port: u16,
    state: Arc<ProxyState>,
}

#[derive(Default)]
struct ProxyState {
    is_silent: AtomicBool,
    open: AtomicUsize,
}

impl Proxy {
    async fn before(server: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<ProxyState>::default();
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (state, server) = (shared.clone(), server.clone());
                state.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    // Either side may close at any time.
                    let _ = relay(client, &server, &state).await;
                    state.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, state }
    }
}

async fn relay(mut client: TcpStream, server: &Path, state: &ProxyState) -> std::io::Result<()> {
    let mut server = UnixStream::connect(server).await?;
    let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => match read? {
                0 => return Ok(()),
                n => server.write_all(&asked[..n]).await?,
            },
            read = server.read(&mut answered) => match read? {
                0 => return Ok(()),
                _ if state.is_silent.load(Ordering::SeqCst) => {}
                n => client.write_all(&answered[..n]).await?,
            },
        }
    }
}
