//! The choice of a database, and the errors for one that cannot be opened.

use std::time::Duration;

use node0_demo::database::{Database, DatabaseChoice, DatabaseSettings, Source};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;
use tokio_postgres::config::Host;

fn settings(choice: &str) -> DatabaseSettings {
    DatabaseSettings { choice: choice.parse().unwrap(), ..DatabaseSettings::default() }
}

async fn error_of(settings: DatabaseSettings) -> String {
    let error = Database::open(settings).await.unwrap_err();
    let line = format!("{error:#}");
    assert!(!line.contains('\n'), "{line}");
    line
}

/// A server that answers a start-up packet with this error and hangs up.
async fn refusing_server(code: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut packet = [0; 1024];
            let _ = stream.read(&mut packet).await;
            let fields = format!("SFATAL\0C{code}\0Mrefused by the test\0\0");
            let mut answer = vec![b'E'];
            answer.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
            answer.extend(fields.as_bytes());
            let _ = stream.write_all(&answer).await;
        }
    });
    format!("postgres://ann:secret@{address}/shop")
}

#[test]
fn choice_is_read_from_its_word() {
    for (word, choice) in [
        ("auto", DatabaseChoice::Auto),
        ("local", DatabaseChoice::Local),
        ("embedded", DatabaseChoice::Embedded),
        ("postgres://h/d", DatabaseChoice::Url("postgres://h/d".to_owned())),
        ("postgresql://h/d", DatabaseChoice::Url("postgresql://h/d".to_owned())),
    ] {
        assert_eq!(word.parse(), Ok(choice));
    }
    for word in ["", "Auto", "mysql://h/d", "sqlite"] {
        assert!(word.parse::<DatabaseChoice>().is_err(), "{word}");
    }
}

#[test]
fn debug_form_keeps_the_password_secret() {
    let settings = DatabaseSettings {
        env_url: Some("postgres://u:secret@h/d".to_owned()),
        ..settings("postgres://u:secret@h/d")
    };
    assert!(!format!("{settings:?}").contains("secret"));
}

#[tokio::test]
async fn auto_takes_the_embedded_database_where_no_postgres_is_found() {
    let nowhere = tempfile::tempdir().unwrap();
    for env_url in [None, Some(String::new())] {
        let settings = DatabaseSettings {
            env_url,
            postgres_bin_dirs: Some(vec![nowhere.path().to_owned()]),
            ..settings("auto")
        };
        let database = Database::open(settings).await.unwrap();
        assert_eq!(database.source(), Source::Embedded);
        database.close().await;
    }
}

#[tokio::test]
async fn auto_takes_the_named_server_first() {
    let server = Database::open(settings("embedded")).await.unwrap();
    let config = server.config();
    let [Host::Unix(folder)] = config.get_hosts() else { panic!("it has one socket") };
    let folder = folder.display().to_string().replace('/', "%2F");
    let named = DatabaseSettings {
        env_url: Some(format!("postgres://ann@{folder}/shop")),
        ..settings("auto")
    };
    let database = Database::open(named).await.unwrap();
    assert_eq!(database.source().to_string(), "postgres");
    database.close().await;
    server.close().await;
}

#[tokio::test]
async fn local_that_is_not_found_does_not_become_embedded() {
    let nowhere = tempfile::tempdir().unwrap();
    let settings = DatabaseSettings {
        postgres_bin_dirs: Some(vec![nowhere.path().to_owned()]),
        ..settings("local")
    };
    let line = error_of(settings).await;
    assert!(line.contains("--database local") && line.contains("install PostgreSQL"), "{line}");
}

#[tokio::test]
async fn wrong_addresses_are_told_apart_and_keep_their_password() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (url, words) in [
        ("postgres://ann:secret@h:port/d".to_owned(), "is no address of a database"),
        ("postgres://ann:secret@h/d?sslmode=require".to_owned(), "asks for TLS"),
        (format!("postgres://ann:secret@{closed}/d"), "no PostgreSQL answers at 127.0.0.1:"),
        (refusing_server("28P01").await, "correct user and password in DATABASE_URL"),
        (refusing_server("3D000").await, "create it or correct DATABASE_URL"),
        (refusing_server("53300").await, "refuses to serve: FATAL: refused by the test"),
    ] {
        let line = error_of(DatabaseSettings { env_url: Some(url), ..settings("auto") }).await;
        assert!(line.contains(words), "{line}");
        assert!(!line.contains("secret"), "{line}");
    }
}

#[tokio::test]
async fn server_that_stays_silent_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://ann@{}/d?connect_timeout=1", silent.local_addr().unwrap());
    let line = error_of(settings(&url)).await;
    assert!(line.contains("(no answer within 1s)") && line.contains("--database"), "{line}");
}

#[tokio::test]
async fn closed_embedded_database_ends_its_sessions() {
    let database = Database::open(settings("embedded")).await.unwrap();
    let config = database.config();
    let (client, connection) = config.connect(NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.simple_query("SELECT 1").await.unwrap();
    database.close().await;
    // The server ended the session, so the connection's task ends, and the socket is gone.
    let _ = tokio::time::timeout(Duration::from_secs(10), connection).await.unwrap().unwrap();
    assert!(config.connect(NoTls).await.is_err());
}
